/** Curves over the steps, or the score as positions go; click, drag or keys seek. */

import { panels } from "../../core/vocabulary/vocabulary";
import { formatCount } from "../../core/words/format";
import { Choice, type Option } from "../../kit/choice";
import { fitCanvas, h, listen, setHidden } from "../../kit/dom";
import { takeKey } from "../../kit/keys";
import type { Panel, Stage, View } from "../../kit/panel";
import { BEYOND, drawCursor, type Mark } from "./cursor";
import type { Plot } from "./plot";
import { ScorePlot } from "./scoreplot";
import { SeriesList } from "./serieslist";
import { StepPlot } from "./stepplot";

const FALLBACK_WIDTH = 640;
const HEIGHT = 84;
/** Steps that Page Up and Page Down take, as a part of all. */
const PAGE = 20;

type PlotName = "relevance" | "score";
const PLOTS: readonly Option<PlotName>[] = [
  { value: "relevance", text: "relevance", title: "where the target's relevance is, pop by pop" },
  { value: "score", text: "score", title: "the score as positions are taken away or given back" },
];

export const curvePanel: Panel = {
  name: "curve",
  title: panels.curve,
  heights: { least: 40, most: 480 },
  suits: (trace) => trace.steps > 0,
  create: (root, stage) => new CurveView(root, stage),
};

class CurveView implements View {
  readonly #root: HTMLElement;
  readonly #stage: Stage;
  /** What can be shown. */
  readonly #plots: Readonly<Record<PlotName, Plot | null>>;
  #plot: Plot;
  readonly #list = new SeriesList();
  readonly #modes: Choice<PlotName>;
  /** The plot and the cursor: an element that moves over a canvas would cost more than drawing both. */
  readonly #screen = h("canvas", { class: "hw-screen", "aria-hidden": "true" });
  readonly #ghost = h("div", { class: "hw-ghost", "aria-hidden": "true", hidden: true });
  readonly #axis = h("div", { class: "hw-axis", "aria-hidden": "true" });
  readonly #field: HTMLElement;
  #width = FALLBACK_WIDTH;
  #height = HEIGHT;
  /** Changes of size seen so far. */
  #measured = 0;
  /** Plot, size and theme that the canvas shows. */
  #drawn = "";

  constructor(root: HTMLElement, stage: Stage) {
    this.#root = root;
    this.#stage = stage;
    const { trace, steps } = stage.session;
    const { scores } = trace;
    this.#plot = new StepPlot(trace);
    this.#plots = { relevance: this.#plot, score: scores && new ScorePlot(trace, scores) };
    this.#modes = new Choice("What the curve shows", PLOTS, (mode) => this.#choose(mode), stage.signal);
    setHidden(this.#modes.element, !scores);
    this.#field = h("div", {
      class: "hw-curve",
      role: "slider",
      tabindex: 0,
      "aria-label": "Seek",
      "aria-valuemin": 0,
      "aria-valuemax": steps,
    });
    const heading = h(
      "div",
      { class: "hw-curve-head" },
      h("h3", { class: "hw-heading" }, "Curve"),
      this.#list.element,
      this.#modes.element,
    );
    this.#field.append(this.#screen, this.#ghost);
    root.append(heading, this.#field, this.#axis);
    this.#listen(stage);
    this.#choose("relevance");
  }

  update(): void {
    const { session, theme } = this.#stage;
    const { step } = session.state.cursor;
    const plot = this.#plot;
    this.#measure();
    const drawn = `${this.#width} ${this.#height} ${theme.palette.dark} ${globalThis.devicePixelRatio}`;
    if (drawn !== this.#drawn) {
      this.#field.style.height = `${this.#height}px`;
      plot.draw(this.#width, this.#height, theme.palette);
      this.#writeAxis();
    }
    this.#drawn = drawn;
    this.#list.show(plot.entries(step));
    const words = plot.label(step);
    this.#drawScreen({
      x: plot.at(step) * this.#width,
      y: (1 - plot.level(step)) * this.#height,
      labelY: (1 - plot.labelLevel(step)) * this.#height,
      words,
    });
    this.#field.setAttribute("aria-valuenow", String(step));
    this.#field.setAttribute("aria-valuetext", `${formatCount(step)}: ${words}`);
  }

  height(): number {
    return this.#height;
  }

  /** The plot as it was drawn, under the cursor. */
  #drawScreen(mark: Mark): void {
    const [width, height] = [this.#width, this.#height];
    const context = fitCanvas(this.#screen, width + 2 * BEYOND, height + 2 * BEYOND);
    if (!context) return;
    context.translate(BEYOND, BEYOND);
    context.drawImage(this.#plot.canvas, 0, 0, width, height);
    drawCursor(context, mark, width, height, this.#stage.theme);
  }

  #choose(mode: PlotName): void {
    this.#plot = this.#plots[mode] ?? this.#plot;
    this.#modes.update(mode);
    this.#drawn = "";
    if (this.#measured > 0) this.update();
  }

  /** Words under the plot, from their places on, or up to the right edge. */
  #writeAxis(): void {
    const { axis } = this.#plot;
    const { theme } = this.#stage;
    let taken = Number.POSITIVE_INFINITY;
    const words: HTMLElement[] = [];
    for (const [place, said] of [...axis].reverse()) {
      const wide = theme.textWidth(said) + 2;
      const x = Math.max(Math.min(place * this.#width, this.#width - wide), 0);
      // What has no room before the next words is left out.
      if (x + wide + 8 > taken) continue;
      taken = x;
      const element = h("span", {}, said);
      element.style.left = `${x.toFixed(1)}px`;
      words.unshift(element);
    }
    this.#axis.replaceChildren(...words);
  }

  #listen({ session, signal }: Stage): void {
    const field = this.#field;
    const stepAt = (event: PointerEvent) => {
      const box = field.getBoundingClientRect();
      return this.#plot.step((event.clientX - box.left) / box.width);
    };
    const seek = (event: PointerEvent) => session.scrub(stepAt(event));
    const down = (event: PointerEvent) => {
      if (event.button !== 0) return;
      field.setPointerCapture?.(event.pointerId);
      seek(event);
    };
    const move = (event: PointerEvent) => {
      if (session.state.cursor.scrubbing && (event.buttons & 1) === 1) seek(event);
      const box = field.getBoundingClientRect();
      this.#ghost.hidden = event.pointerType === "touch";
      this.#ghost.style.transform = `translateX(${event.clientX - box.left}px)`;
      const step = stepAt(event);
      field.title = `${formatCount(step)}: ${this.#plot.label(step)}`;
    };
    const release = () => session.update({ cursor: { scrubbing: false } });
    const leave = () => {
      this.#ghost.hidden = true;
    };
    const page = Math.max(Math.round(session.steps / PAGE), 1);
    const turn = (by: number) => () => session.seek(session.state.cursor.step + by);
    const key = (event: KeyboardEvent) => takeKey(event, { PageUp: turn(page), PageDown: turn(-page) }, true);
    const dragged = { pointerdown: down, pointermove: move, pointerup: release, pointercancel: release };
    listen(field, { ...dragged, pointerleave: leave, keydown: key }, signal);
  }

  #measure(): void {
    const { changes } = this.#stage.sizes;
    if (changes === this.#measured) return;
    this.#measured = changes;
    this.#width = Math.floor(this.#root.clientWidth) || FALLBACK_WIDTH;
    this.#height = this.#stage.session.state.screen.heights.curve ?? HEIGHT;
  }
}
