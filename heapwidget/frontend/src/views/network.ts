/** The network: a column a layer, what each node has passed on so far, and where this pop's relevance goes. */

import { type ColorMap, colorMap } from "../core/colormap";
import {
  type Box,
  type Column,
  foldBar,
  networkColumns,
  nodeAtPoint,
  placeOf,
  type Run,
} from "../core/columns";
import { formatCount, formatKey } from "../core/format";
import { nodeLabel } from "../core/labels";
import { layerMap } from "../core/maps";
import { Passed } from "../core/passed";
import type { Replay } from "../core/replay";
import { shownValue } from "../core/tones";
import { layerIndex, phaseOf } from "../core/trace";
import { fitCanvas, h, setText } from "./dom";
import { drawEdges, drawFrame, type Edge } from "./edges";
import { LayerImage } from "./layerimage";
import { LayerNames } from "./layernames";
import type { Panel, Stage, View } from "./panel";

const HIGHEST = 152;
const FALLBACK_WIDTH = 640;
/** Frames stand out over the maps' edges. */
const MARGIN = 4;

export const networkPanel: Panel = {
  name: "network",
  title: "Network",
  // What only sorts the pixels has nothing to say about the layers.
  suits: (trace) => trace.layers.length > 1 && trace.walkEnd > 0,
  create: (root, stage) => new NetworkView(root, stage),
};

class NetworkView implements View {
  readonly #root: HTMLElement;
  readonly #stage: Stage;
  readonly #canvas = h("canvas", {
    class: "hw-network",
    role: "img",
    "aria-label": "The network: relevance passed on so far, a column a layer",
  });
  readonly #names: LayerNames;
  readonly #status = h("div", { class: "hw-slot hw-clip" });
  readonly #passed: Passed;
  readonly #images: readonly LayerImage[];
  /** Magnitude with the strongest colour, a layer. */
  readonly #scales: number[];
  #columns: readonly Column[] = [];
  /** Column of each layer. */
  #columnOf: readonly Column[] = [];
  #width = FALLBACK_WIDTH;
  /** Height of the highest column. */
  #height = HIGHEST;
  /** Changes of size seen so far. */
  #measured = 0;
  /** The run of layers that was opened. */
  #focus: Run | null = null;
  #colors: { dark: boolean; walk: ColorMap; input: ColorMap } | null = null;
  /** Step that the images show. */
  #step = -1;

  constructor(root: HTMLElement, stage: Stage) {
    this.#root = root;
    this.#stage = stage;
    const { session, signal } = stage;
    const { trace } = session;
    this.#images = trace.layers.map((layer) => new LayerImage(layerMap(layer)));
    this.#passed = new Passed(trace, session.replay.previousPop);
    this.#seek(trace.walkEnd);
    this.#scales = this.#images.map((image, i) => Math.max(image.largest, this.#passed.largest[i] ?? 0) || 1);
    this.#names = new LayerNames(trace.layers, (run) => this.#open(run));
    root.append(h("h3", { class: "hw-heading" }, "Network"), this.#canvas, this.#names.element, this.#status);
    const hover = (event: PointerEvent) => {
      const column = this.#columnAt(event);
      this.#canvas.style.cursor = column?.folded ? "zoom-in" : "pointer";
      session.update({ hovered: this.#nodeAt(event) });
    };
    this.#canvas.addEventListener("pointermove", hover, { signal });
    this.#canvas.addEventListener("pointerleave", () => session.update({ hovered: null }), { signal });
    this.#canvas.addEventListener("click", (event) => this.#click(event), { signal });
    this.#canvas.addEventListener("dblclick", (event) => this.#goToPop(this.#nodeAt(event)), { signal });
  }

  update(): void {
    const { session, theme } = this.#stage;
    const { replay } = session;
    this.#arrange();
    this.#recolor(theme.palette.dark, replay.signed);
    if (this.#step !== replay.step) {
      this.#seek(replay.step);
      this.#fillInput(replay);
      this.#step = replay.step;
    }
    this.#draw(replay);
    setText(this.#status, this.#describe(replay));
  }

  destroy(): void {
    this.#root.replaceChildren();
  }

  #arrange(): void {
    const { sizes } = this.#stage;
    if (sizes.changes === this.#measured) return;
    this.#measured = sizes.changes;
    this.#width = Math.floor(this.#root.clientWidth) || FALLBACK_WIDTH;
    this.#columns = networkColumns(
      this.#images.map((image) => image.map),
      this.#width - 2 * MARGIN,
      HIGHEST,
      this.#focus,
    ).map((column) => ({ ...column, x: column.x + MARGIN, y: column.y + MARGIN }));
    this.#height = Math.ceil(Math.max(...this.#columns.map((c) => c.y + c.height))) - MARGIN;
    this.#columnOf = this.#columns.flatMap((column) => column.layers.map(() => column));
    this.#names.arrange(this.#columns, this.#width, this.#focus !== null, this.#stage.theme);
  }

  #recolor(dark: boolean, signed: boolean): void {
    if (this.#colors?.dark === dark) return;
    this.#colors = { dark, walk: colorMap(dark, this.#passed.signed), input: colorMap(dark, signed) };
  }

  #seek(step: number): void {
    const { trace } = this.#stage.session;
    this.#passed.seek(step, (node, change) => {
      this.#images[layerIndex(trace, node)]?.add(node, change);
    });
  }

  #fillInput(replay: Replay): void {
    const image = this.#images[0] as LayerImage;
    for (let node = 0; node < replay.trace.inputCount; node++) image.set(node, shownValue(replay, node) ?? 0);
  }

  #draw(replay: Replay): void {
    const { theme, session } = this.#stage;
    const { palette } = theme;
    const context = fitCanvas(this.#canvas, this.#width, this.#height + 2 * MARGIN);
    const colors = this.#colors;
    if (!context || !colors) return;
    for (const column of this.#columns) {
      const layer = column.layers[0] as number;
      if (column.folded) this.#drawFold(context, column);
      else {
        const input = layer === 0;
        const scale = input ? replay.inputScale : (this.#scales[layer] as number);
        const signed = input ? replay.signed : this.#passed.signed;
        const map = input ? colors.input : colors.walk;
        this.#images[layer]?.draw(context, column, map, scale, signed, palette.map);
      }
    }
    this.#drawPop(context, replay);
    for (const node of [session.state.selected, session.state.hovered]) {
      if (node !== null) drawFrame(context, this.#placeOf(node), palette.ink, palette.bg);
    }
  }

  /** A bar a layer; those that passed nothing on yet are pale. */
  #drawFold(context: CanvasRenderingContext2D, column: Column): void {
    const { palette } = this.#stage.theme;
    for (const layer of column.layers) {
      const { x, y, width, height } = foldBar(column, layer);
      context.fillStyle = palette.map;
      context.fillRect(x, y, width, height);
      context.fillStyle = palette.warmSoft;
      const share = Math.min((this.#images[layer]?.largest ?? 0) / (this.#scales[layer] as number), 1);
      context.fillRect(x, y, width * share, height);
    }
  }

  #drawPop(context: CanvasRenderingContext2D, replay: Replay): void {
    const { trace, row } = replay;
    const { palette } = this.#stage.theme;
    const { slow } = this.#stage.session;
    if (slow) {
      const from = this.#placeOf(slow.pop.popped.node);
      const { kind, node } = slow.last.operation;
      if (kind !== "pop") drawEdges(context, from, [{ to: this.#placeOf(node), share: 1 }], palette.blue);
      drawFrame(context, from, palette.warm, palette.bg);
      return;
    }
    if (row < 0) return;
    const popped = trace.popNode[row] as number;
    if (phaseOf(trace, row) === "finish") {
      const layer = layerIndex(trace, popped);
      const column = this.#columnOf[layer] as Column;
      drawFrame(context, column.folded ? foldBar(column, layer) : column, palette.warm, palette.bg);
      return;
    }
    const from = this.#placeOf(popped);
    const first = trace.logOffset[row] as number;
    const most = replay.messages.reduce((a, b) => Math.max(a, Math.abs(b)), 0) || 1;
    const edges: Edge[] = replay.messages.map((message, i) => ({
      to: this.#placeOf(trace.logNode[first + i] as number),
      share: Math.abs(message) / most,
    }));
    drawEdges(context, from, edges, palette.blue);
    drawFrame(context, from, palette.warm, palette.bg);
  }

  #placeOf(node: number): Box {
    const layer = layerIndex(this.#stage.session.trace, node);
    const image = this.#images[layer] as LayerImage;
    return placeOf(this.#columnOf[layer] as Column, image.map, layer, node);
  }

  #columnAt(event: MouseEvent): Column | null {
    const x = event.clientX - this.#canvas.getBoundingClientRect().left;
    return this.#columns.find((column) => x >= column.x - 3 && x < column.x + column.width + 3) ?? null;
  }

  #nodeAt(event: MouseEvent): number | null {
    const column = this.#columnAt(event);
    if (!column || column.folded) return null;
    const box = this.#canvas.getBoundingClientRect();
    const image = this.#images[column.layers[0] as number] as LayerImage;
    return nodeAtPoint(column, image.map, event.clientX - box.left, event.clientY - box.top);
  }

  #click(event: MouseEvent): void {
    const { session } = this.#stage;
    const column = this.#columnAt(event);
    if (column?.folded) {
      this.#open([column.layers[0] as number, column.layers[column.layers.length - 1] as number]);
      return;
    }
    const node = this.#nodeAt(event);
    if (node !== null) session.update({ selected: session.state.selected === node ? null : node });
  }

  /** Goes to the next pop of a node, from the last on to the first. */
  #goToPop(node: number | null): void {
    const { session } = this.#stage;
    if (node === null) return;
    const { popNode } = session.trace;
    const next = popNode.indexOf(node, session.state.step);
    const row = next >= 0 ? next : popNode.indexOf(node);
    if (row >= 0) session.seek(row + 1);
    session.update({ selected: node });
  }

  #open(run: Run | null): void {
    this.#focus = run;
    this.#stage.sizes.changes++;
    this.update();
  }

  #describe(replay: Replay): string {
    const { trace, heap, step } = replay;
    const { hovered, selected } = this.#stage.session.state;
    const node = hovered ?? selected;
    if (node === null || node < trace.inputCount)
      return "colour: passed on so far · lines: where the popped node's relevance goes, the wider the more";
    const label = nodeLabel(trace, node);
    const popped = trace.popNode.lastIndexOf(node, Math.min(step, trace.walkEnd) - 1);
    const done =
      step > 0 && popped >= 0
        ? `passed on ${formatKey(this.#passed.mass[node] as number)}, last at step ${formatCount(popped + 1)}`
        : "not popped yet";
    const cell = heap.cellOf(node);
    const next = trace.popNode.subarray(0, trace.walkEnd).indexOf(node, step);
    const then = next >= 0 ? ` · next pop at step ${formatCount(next + 1)} (double click)` : "";
    return `${label} · ${done}${cell >= 0 ? ` · ${formatKey(heap.keyAt(cell))} in the heap` : ""}${then}`;
  }
}
