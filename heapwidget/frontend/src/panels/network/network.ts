/** The network: a column a layer, what each node has passed on so far, and where relevance goes. */

import type { Run } from "../../core/geometry/layercolumns";
import { type Flow, strongestFlows } from "../../core/replay/flows";
import type { Replay } from "../../core/replay/replay";
import { panels } from "../../core/vocabulary/vocabulary";
import { describeLayer, describeNode, kinOf, noFlows } from "../../core/words/networds";
import { sharedNoun } from "../../core/words/targetwords";
import { fitCanvas, h, keepFocusOut, listen, setHidden, setText, tellWhileFocused } from "../../kit/dom";
import { arrowKeys, takeKey } from "../../kit/keys";
import type { Panel, Stage, View } from "../../kit/panel";
import { drawFrame } from "./edges";
import { FlowList } from "./flowlist";
import { LayerNames } from "./layernames";
import { type Hit, NetMap } from "./netmap";
import { NetPops } from "./netpops";

const HEIGHT = 160;
const FALLBACK_WIDTH = 640;
/** Flows that are shown when they are asked for. */
const FLOWS = 5;
/** With more messages than this, flows are looked for only at rest. */
const MANY = 60_000;

const LEGEND =
  "colour: passed on so far · lines: where the popped node's relevance goes, the wider the more · faint: the pops before";

export const networkPanel: Panel = {
  name: "network",
  title: panels.network,
  heights: { least: 60, most: 640 },
  // What only sorts the pixels has nothing to say about the layers.
  suits: (trace) => trace.layers.length > 1 && trace.walkEnd > 0,
  create: (root, stage) => new NetworkView(root, stage),
};

class NetworkView implements View {
  readonly #root: HTMLElement;
  readonly #stage: Stage;
  readonly #canvas = h("canvas", {
    class: "hw-network",
    role: "application",
    tabindex: 0,
    "aria-label":
      "The network: relevance passed on so far, a column a layer. Arrow keys go from node to node, Page Up and Page Down from layer to layer, Enter selects.",
  });
  readonly #map: NetMap;
  readonly #names: LayerNames;
  readonly #status = h("div", { class: "hw-slot hw-clip" });
  readonly #flowList: FlowList;
  readonly #flowsButton = h("button", { type: "button", class: "hw-link", "aria-pressed": "false" }, "Paths");
  readonly #foldButton = h("button", { type: "button", class: "hw-link", hidden: true }, "fold again");
  #width = FALLBACK_WIDTH;
  /** Changes of size seen so far. */
  #measured = 0;
  /** The run of layers that was opened. */
  #focus: Run | null = null;
  /** What the pointer is on. */
  #hit: Hit | null = null;
  /** The strongest flows, and the step that they are of; -1: none were looked for. */
  #flows: { step: number; found: readonly Flow[] } = { step: -1, found: [] };
  /** The flow that is looked at; -1: all. */
  #lit = -1;

  constructor(root: HTMLElement, stage: Stage) {
    this.#root = root;
    this.#stage = stage;
    const { session } = stage;
    const { replay } = session;
    this.#map = new NetMap(session.trace, replay.previousPop);
    this.#names = new LayerNames(session.trace.layers, (run) => this.#open(run));
    this.#flowList = new FlowList(
      (flow) => {
        this.#lit = flow;
        this.update();
      },
      (node) => session.select(node),
    );
    this.#flowsButton.title = "The strongest flows of this walk so far";
    const heading = h("h3", { class: "hw-heading" }, "Network");
    const buttons = h("div", { class: "hw-network-buttons" }, this.#foldButton, this.#flowsButton);
    root.append(
      h("div", { class: "hw-network-head" }, heading, buttons),
      this.#canvas,
      this.#names.element,
      this.#status,
      this.#flowList.element,
    );
    this.#listen(stage);
  }

  update(): void {
    const { session, theme } = this.#stage;
    const { replay } = session;
    const { hovered, selected } = session.state.picked;
    this.#arrange();
    const context = fitCanvas(this.#canvas, this.#width, this.#map.height);
    const node = hovered ?? selected;
    const kin = node === null ? null : kinOf(replay, node);
    this.#findFlows(replay);
    if (context) {
      const { palette } = theme;
      const pops = new NetPops(this.#map, context, replay, palette);
      const flows = this.#showsFlows ? this.#flows.found : [];
      this.#map.draw(context, replay, palette);
      if (session.slow) pops.drawMoment(session.slow);
      else {
        const pale = kin !== null || flows.length > 0;
        if (!pale) pops.drawTrail();
        pops.drawPop(pale);
      }
      pops.drawFlows(flows, this.#lit);
      if (node !== null && kin) pops.drawKin(node, kin);
      for (const at of [selected, hovered])
        if (at !== null) drawFrame(context, this.#map.placeOf(at), palette.ink, palette.bg);
    }
    const bar = this.#hit?.column.folded ? this.#hit.layer : null;
    const status =
      bar !== null
        ? describeLayer(replay, this.#map.passed, bar)
        : node !== null && kin
          ? describeNode(replay, this.#map.passed, node, kin)
          : LEGEND;
    setText(this.#status, status);
    this.#status.title = status;
  }

  height(): number {
    return this.#map.height;
  }

  get #showsFlows(): boolean {
    return this.#flowsButton.getAttribute("aria-pressed") === "true";
  }

  #listen({ session, signal }: Stage): void {
    const canvas = this.#canvas;
    const point = (event: MouseEvent) => {
      const box = canvas.getBoundingClientRect();
      this.#hit = this.#map.hit(event.clientX - box.left, event.clientY - box.top);
      return this.#hit;
    };
    const move = (event: MouseEvent) => {
      const before = this.#hit?.layer;
      const hit = point(event);
      canvas.style.cursor = hit?.column.folded ? "zoom-in" : "pointer";
      session.hover(hit?.node ?? null);
      if (hit?.layer !== before) this.update();
    };
    const leave = () => {
      this.#hit = null;
      session.hover(null);
      this.update();
    };
    const click = (event: MouseEvent) => {
      const hit = point(event);
      if (hit?.column.folded)
        this.#open([hit.column.layers[0] as number, hit.column.layers.at(-1) as number]);
      else if (hit && hit.node !== null) session.toggleSelected(hit.node);
    };
    const handlers = {
      dblclick: (event: MouseEvent) => this.#goToPop(point(event)?.node ?? null),
      keydown: (event: KeyboardEvent) => this.#key(event),
      blur: () => session.hover(null),
    };
    listen(canvas, { pointermove: move, pointerleave: leave, click, ...handlers }, signal);
    keepFocusOut(canvas, signal);
    tellWhileFocused(canvas, this.#status, signal);
    listen(this.#foldButton, { click: () => this.#open(null) }, signal);
    const toggle = () => {
      this.#flowsButton.setAttribute("aria-pressed", String(!this.#showsFlows));
      this.update();
    };
    listen(this.#flowsButton, { click: toggle }, signal);
  }

  #arrange(): void {
    const { sizes } = this.#stage;
    if (sizes.changes === this.#measured) return;
    this.#measured = sizes.changes;
    this.#width = Math.floor(this.#root.clientWidth) || FALLBACK_WIDTH;
    const { network: height } = this.#stage.session.state.screen.heights;
    this.#map.arrange(this.#width, height ?? HEIGHT, height !== undefined, this.#focus);
    this.#names.arrange(this.#map.columns, this.#width, this.#stage.theme);
    this.#foldButton.hidden = this.#focus === null;
  }

  /** Looks for the strongest flows where they are shown; of many messages only when nothing moves. */
  #findFlows(replay: Replay): void {
    setHidden(this.#flowList.element, !this.#showsFlows);
    if (!this.#showsFlows) return;
    const { trace, messages } = replay;
    const { cursor, play } = this.#stage.session.state;
    const step = Math.min(replay.step, trace.walkEnd);
    const moving = (play.playing || cursor.scrubbing) && messages.amount.length > MANY;
    if (!moving && step !== this.#flows.step)
      this.#flows = { step, found: strongestFlows(messages, step, FLOWS) };
    const stale = step !== this.#flows.step;
    const said = stale
      ? "The strongest flows are looked for when it stands still."
      : noFlows(trace, messages) || this.#caption(replay);
    if (stale) this.#flows = { step: -1, found: [] };
    this.#flowList.show(trace, this.#flows.found, said);
  }

  #caption({ trace, step }: Replay): string {
    const when = step > trace.walkEnd ? "of the walk" : "of this walk so far";
    if (this.#flows.found.length === 0) return `Strongest flows ${when}: nothing has reached the input yet.`;
    return `Strongest flows ${when}, as shares of the ${sharedNoun(trace.target)}: of what has reached a position, the part that came this way.`;
  }

  /** Goes to the next pop of a node, from the last on to the first. */
  #goToPop(node: number | null): void {
    const { session } = this.#stage;
    if (node === null) return;
    const { popNode } = session.trace;
    const next = popNode.indexOf(node, session.state.cursor.step);
    const row = next >= 0 ? next : popNode.indexOf(node);
    if (row >= 0) session.seek(row + 1);
    session.select(node);
  }

  /** Arrow keys go to neighbours, Page Up and Down from column to column; Enter selects. */
  #key(event: KeyboardEvent): void {
    const { session } = this.#stage;
    const { trace, replay } = session;
    const { hovered, selected } = session.state.picked;
    const start = replay.row >= 0 ? (trace.popNode[replay.row] as number) : trace.nodeCount - 1;
    const at = hovered ?? selected;
    const go = (right: number, down: number, leave: boolean) => () =>
      session.hover(at === null ? start : (this.#map.neighbour(at, right, down, leave) ?? at));
    takeKey(event, {
      ...arrowKeys((right, down) => go(right, down, false)),
      PageUp: go(-1, 0, true),
      PageDown: go(1, 0, true),
      Enter: () => session.toggleSelected(at ?? start),
    });
  }

  #open(run: Run | null): void {
    this.#focus = run;
    this.#hit = null;
    this.#stage.sizes.changes++;
    this.update();
  }
}
