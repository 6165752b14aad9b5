/** What moves in the network: this pop's messages, the trail of those before, a node's kin, the strongest flows. */

import type { Flow } from "../../core/replay/flows";
import { TARGET } from "../../core/replay/messages";
import type { Replay } from "../../core/replay/replay";
import type { SlowMoment } from "../../core/session/session";
import { layerIndex, phaseOf } from "../../core/trace/trace";
import type { Kin } from "../../core/words/networds";
import type { Palette } from "../../kit/theme";
import { drawEdges, drawFrame, drawHairlines, drawWay, type Edge } from "./edges";
import type { NetMap } from "./netmap";

/** Pops of the trail, and messages of each that are drawn. */
const TRAIL = 8;
const TRAIL_EDGES = 12;
const FAINT = 0.5;
/** Width of the strongest flow, and of the weakest that is drawn. */
const WIDEST = 5;
const THINNEST = 1.25;

export class NetPops {
  readonly #map: NetMap;
  readonly #context: CanvasRenderingContext2D;
  readonly #replay: Replay;
  readonly #palette: Palette;

  constructor(map: NetMap, context: CanvasRenderingContext2D, replay: Replay, palette: Palette) {
    this.#map = map;
    this.#context = context;
    this.#replay = replay;
    this.#palette = palette;
  }

  /** The pops before the last one, the fainter the longer ago. */
  drawTrail(): void {
    const { trace, row } = this.#replay;
    const { warm, blue, bg } = this.#palette;
    const first = Math.max(row - TRAIL + 1, 0);
    for (let at = first; at < row; at++) {
      if (phaseOf(trace, at) === "finish" || phaseOf(trace, at) !== phaseOf(trace, row)) continue;
      const strength = FAINT * (1 - (row - at) / TRAIL);
      drawHairlines(this.#context, this.#messages(at, TRAIL_EDGES), blue, strength);
      drawFrame(this.#context, this.#map.placeOf(trace.popNode[at] as number), warm, bg, strength + 0.15);
    }
  }

  /** The last pop, and where its relevance went; `pale` where something else is looked at. */
  drawPop(pale: boolean): void {
    const { trace, row } = this.#replay;
    const { warm, blue, bg } = this.#palette;
    if (row < 0) return;
    const popped = trace.popNode[row] as number;
    if (phaseOf(trace, row) === "finish") {
      drawFrame(this.#context, this.#map.placeOfLayer(layerIndex(trace, popped)), warm, bg);
      return;
    }
    drawEdges(this.#context, this.#messages(row), blue, pale ? 0.2 : 1);
    drawFrame(this.#context, this.#map.placeOf(popped), warm, bg);
  }

  /** A moment within a pop: the node that is pushed or re-keyed. */
  drawMoment({ pop, last }: SlowMoment): void {
    const { warm, blue, bg } = this.#palette;
    const { kind, node } = last.operation;
    const popped = pop.popped.node;
    if (kind !== "pop") drawEdges(this.#context, [this.#map.edge(popped, node, 1)], blue);
    drawFrame(this.#context, this.#map.placeOf(popped), warm, bg);
  }

  /** From whom a node got its relevance, and to whom it passed it on. */
  drawKin(node: number, { received, sent }: Kin): void {
    const sources = [...received].filter(([source]) => source !== TARGET);
    const share = (all: Iterable<readonly [number, number]>) => {
      const most = Math.max(...[...all].map(([, amount]) => Math.abs(amount)), 0) || 1;
      return (amount: number) => Math.abs(amount) / most;
    };
    const [got, gave] = [share(sources), share(sent)];
    const into = sources.map(([source, amount]) => this.#map.edge(source, node, got(amount)));
    const onwards = [...sent].map(([to, amount]) => this.#map.edge(node, to, gave(amount)));
    drawEdges(this.#context, into, this.#palette.warm);
    drawEdges(this.#context, onwards, this.#palette.blue);
  }

  /** The strongest flows, weakest first, so that the strongest lies on top; `lit` is looked at alone. */
  drawFlows(flows: readonly Flow[], lit: number): void {
    const { warm, bg } = this.#palette;
    const most = flows[0]?.relevance ?? 1;
    for (let i = flows.length - 1; i >= 0; i--) {
      const { nodes, relevance } = flows[i] as Flow;
      if (lit >= 0 && i !== lit) continue;
      const edges = nodes.slice(1).map((to, at) => this.#map.edge(nodes[at] as number, to, 1));
      const width = THINNEST + (WIDEST - THINNEST) * (relevance / most);
      drawWay(this.#context, edges, width, warm, bg);
      for (const node of nodes) drawFrame(this.#context, this.#map.placeOf(node), warm, bg);
    }
  }

  /** Edges of a row's messages; with `most`, of the largest so many. */
  #messages(row: number, most = Number.POSITIVE_INFINITY): Edge[] {
    const { trace, messages } = this.#replay;
    if (row >= trace.walkEnd) return [];
    const popped = trace.popNode[row] as number;
    const [first, end] = [trace.logOffset[row] as number, trace.logOffset[row + 1] as number];
    const amounts = messages.amount.subarray(first, end);
    const shares = amounts.map(Math.abs);
    const largest = shares.reduce((a, b) => Math.max(a, b), 0) || 1;
    const least = shares.length > most ? (shares.slice().sort().at(-most) as number) : 0;
    let ties = most - shares.filter((share) => share > least).length;
    const edges: Edge[] = [];
    shares.forEach((share, i) => {
      if (share > least || (share === least && ties-- > 0))
        edges.push(this.#map.edge(popped, trace.logNode[first + i] as number, share / largest));
    });
    return edges;
  }
}
