import { readdirSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { KINDS } from "../../src/core/trace/kinds";
import { DRAWINGS } from "../../src/panels/input/kinds/table";
import { PANELS } from "../../src/panels/table";

const inside = (folder: string) =>
  readdirSync(join(import.meta.dirname, "../../src", folder), { withFileTypes: true });

it("each panel is a folder, and each folder a panel", () => {
  const folders = inside("panels").filter((entry) => entry.isDirectory());
  expect(PANELS.map(({ name }) => name).sort()).toEqual(folders.map(({ name }) => name).sort());
});

it("each kind of input is a file, and each file a kind", () => {
  const files = inside("panels/input/kinds").map(({ name }) => name.split("."));
  const kinds = files.filter(([name, ending]) => ending === "ts" && name !== "table").map(([name]) => name);
  expect(Object.keys(DRAWINGS).sort()).toEqual(kinds.sort());
  expect(Object.keys(KINDS).sort()).toEqual(kinds);
});
