// Bundles the viewer: node build.mjs [--outdir DIR] writes widget.js, widget.css and standalone.js.
import { mkdir } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const flag = process.argv.indexOf("--outdir");
const outdir = resolve(
  flag > 0 && process.argv[flag + 1] ? process.argv[flag + 1] : join(here, "..", "static"),
);

const shared = {
  bundle: true,
  minify: true,
  target: "es2022",
  charset: "utf8",
  legalComments: "none",
  logLevel: "warning",
};
await mkdir(outdir, { recursive: true });
await Promise.all([
  build({
    ...shared,
    entryPoints: [join(here, "src/widget.ts")],
    outfile: join(outdir, "widget.js"),
    format: "esm",
  }),
  build({
    ...shared,
    entryPoints: [join(here, "src/standalone.ts")],
    outfile: join(outdir, "standalone.js"),
    format: "iife",
  }),
  build({ ...shared, entryPoints: [join(here, "src/widget.css")], outfile: join(outdir, "widget.css") }),
]);
