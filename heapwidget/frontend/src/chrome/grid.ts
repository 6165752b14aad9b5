/** The panels that the state asks for, each in a region of its own, with dividers between them. */

import { h } from "../kit/dom";
import type { Panel, Stage, View } from "../kit/panel";
import { panelsFor } from "../panels/table";
import { Divider } from "./divider";

/** Width of the input's column, in percent of all. */
const NARROWEST = 14;
const WIDEST = 62;

interface Mounted {
  readonly view: View;
  readonly region: HTMLElement;
  readonly divider: Divider | null;
}

export class PanelGrid implements View {
  readonly element = h("div", { class: "hw-panels" });
  readonly #stage: Stage;
  readonly #panels: readonly Panel[];
  /** Panels on screen, by name. */
  readonly #shown = new Map<string, Mounted>();
  readonly #split: Divider;
  /** Sizes that were asked for when the panels were last laid out. */
  #laidOut: unknown[] = [];
  /** Changes of size seen so far. */
  #measured = 0;

  constructor(stage: Stage) {
    this.#stage = stage;
    this.#panels = panelsFor(stage.session.trace);
    this.#split = this.#columnDivider();
  }

  update(): void {
    const { panels: wanted, split, heights } = this.#stage.session.state.screen;
    for (const panel of this.#panels) {
      const shown = this.#shown.get(panel.name);
      if (shown && !wanted.includes(panel.name)) this.#hide(panel, shown);
      else if (!shown && wanted.includes(panel.name)) this.#show(panel);
    }
    if (this.#laidOut[0] !== split || this.#laidOut[1] !== heights) {
      this.#laidOut = [split, heights];
      this.element.style.setProperty("--hw-split", split === null ? "initial" : `${split}%`);
      this.#stage.sizes.changes++;
    }
    for (const { view } of this.#shown.values()) view.update();
    // Measuring costs a layout: only where sizes may have changed.
    const { changes } = this.#stage.sizes;
    if (changes === this.#measured) return;
    this.#measured = changes;
    for (const { divider } of this.#shown.values()) divider?.update();
    this.#split.update();
  }

  #hide(panel: Panel, { region }: Mounted): void {
    region.remove();
    this.#shown.delete(panel.name);
    this.#stage.sizes.changes++;
    this.#placeSplit();
  }

  #show(panel: Panel): void {
    const region = h("section", { class: `hw-panel hw-panel-${panel.name}`, "aria-label": panel.title });
    this.#insert(region, panel.name);
    this.#stage.sizes.changes++;
    const view = panel.create(region, this.#stage);
    const divider = panel.heights ? this.#rowDivider(panel, panel.heights, view) : null;
    if (divider) region.append(divider.element);
    this.#shown.set(panel.name, { region, view, divider });
    this.#placeSplit();
  }

  /** Keeps the order of the registry, whatever the order of asking. */
  #insert(region: HTMLElement, name: string): void {
    const later = this.#panels.slice(this.#panels.findIndex((panel) => panel.name === name) + 1);
    const next = later
      .map((panel) => this.#shown.get(panel.name)?.region)
      .find((element) => element !== undefined);
    this.element.insertBefore(region, next ?? null);
  }

  /** The columns have a divider where there are two. */
  #placeSplit(): void {
    const input = this.#shown.get("input")?.region;
    if (input && this.#shown.has("heap")) input.append(this.#split.element);
    else this.#split.element.remove();
  }

  #rowDivider(panel: Panel, { least, most }: { least: number; most: number }, view: View): Divider {
    const { session, signal } = this.#stage;
    const set = (height: number | null) => {
      const { [panel.name]: _, ...others } = session.state.screen.heights;
      const heights = height === null ? others : { ...others, [panel.name]: Math.round(height) };
      session.update({ screen: { heights } });
    };
    return new Divider(
      {
        orientation: "horizontal",
        name: `Height of ${panel.title}`,
        least,
        most,
        perPixel: () => 1,
        value: () => session.state.screen.heights[panel.name] ?? view.height?.() ?? least,
        said: (height) => `${Math.round(height)} pixels`,
        set,
      },
      signal,
    );
  }

  #columnDivider(): Divider {
    const { session, signal } = this.#stage;
    const whole = () => this.element.clientWidth || 1;
    return new Divider(
      {
        orientation: "vertical",
        name: "Width of Input",
        least: NARROWEST,
        most: WIDEST,
        perPixel: () => 100 / whole(),
        value: () =>
          session.state.screen.split ?? (100 * (this.#shown.get("input")?.region.clientWidth ?? 0)) / whole(),
        said: (share) => `${Math.round(share)} percent`,
        set: (share) =>
          session.update({ screen: { split: share === null ? null : Math.round(10 * share) / 10 } }),
      },
      signal,
    );
  }
}
