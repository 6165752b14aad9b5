// Bundles the viewer: node build.mjs [--outdir DIR] writes widget.js, widget.css and standalone.js.
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const flag = process.argv.indexOf("--outdir");
const outdir = resolve(
  flag > 0 && process.argv[flag + 1] ? process.argv[flag + 1] : join(here, "..", "static"),
);

/** The colours of the vocabulary as the custom properties that the style sheets read; a host's own colours go before. */
function palettes({ palettes: { light, dark }, jupyter }) {
  const value = (name, own) => (jupyter[name] ? `var(${jupyter[name]}, ${own})` : own);
  const all = (colors) => Object.entries(colors).map(([name, own]) => `--hw-${name}: ${value(name, own)};`);
  return `.heapwidget { ${all(light).join(" ")} } .heapwidget.hw-dark { ${all(dark).join(" ")} }
    .hw-page { --hw-bg: ${light.bg}; }
    @media (prefers-color-scheme: dark) { .hw-page { --hw-bg: ${dark.bg}; } }`;
}

const vocabulary = {
  name: "vocabulary",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^palettes\.css$/ }, ({ path }) => ({ path, namespace: "vocabulary" }));
    onLoad({ filter: /.*/, namespace: "vocabulary" }, async () => {
      const text = await readFile(join(here, "..", "words", "vocabulary.json"), "utf8");
      return { contents: palettes(JSON.parse(text)), loader: "css" };
    });
  },
};

const shared = {
  bundle: true,
  minify: true,
  target: "es2022",
  charset: "utf8",
  legalComments: "none",
  logLevel: "warning",
  plugins: [vocabulary],
};
await mkdir(outdir, { recursive: true });
const [widget] = await Promise.all([
  build({ ...shared, entryPoints: [join(here, "src/widget.ts")], format: "esm", write: false }),
  build({
    ...shared,
    entryPoints: [join(here, "src/standalone.ts")],
    outfile: join(outdir, "standalone.js"),
    format: "iife",
  }),
  build({ ...shared, entryPoints: [join(here, "src/widget.css")], outfile: join(outdir, "widget.css") }),
]);
await writeFile(join(outdir, "widget.js"), packed(widget.outputFiles[0].contents));

/**
 * A module that unpacks another and exports what that does. Every viewer is sent the whole module, and a saved notebook
 * keeps it once for each: packed, it has half the bytes. It is unpacked once a page: viewers must be ready soon.
 */
function packed(module) {
  return `const packed = "${gzipSync(module, { level: 9 }).toString("base64")}";
const unpack = async () => {
  const bytes = Uint8Array.from(atob(packed), (c) => c.charCodeAt(0));
  const unpacked = new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip")));
  const url = URL.createObjectURL(new Blob([await unpacked.arrayBuffer()], { type: "text/javascript" }));
  const module = await import(url);
  URL.revokeObjectURL(url);
  return module;
};
const known = (globalThis[Symbol.for("heapwidget.modules")] ??= new Map());
if (!known.has(packed)) known.set(packed, unpack());
const { default: widget } = await known.get(packed);
export default widget;
`;
}
