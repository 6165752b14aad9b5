/** The controls of the cursor: buttons, scrubber, step count, bookmark, jumps, loop, speed, step size. */

import type { Session } from "../core/session/session";
import { formatCount } from "../core/words/format";
import { Choice } from "../kit/choice";
import { button, h, icon, listen, setText } from "../kit/dom";
import type { View } from "../kit/panel";
import { BookmarkButton } from "./bookmark";
import { Jump } from "./jump";
import { Scrubber } from "./scrubber";

/** Interval, in milliseconds a pop, at speed 1×. */
const NORMAL = 100;
const SPEEDS = [0.1, 0.25, 0.5, 1, 2, 5, 10, 50];

const ICONS = {
  first: "M3 3h1.6v10H3zM13 3v10L5.6 8z",
  back: "M11.6 3v10L4.2 8z",
  play: "M4.8 2.8v10.4L13 8z",
  pause: "M4 3h3v10H4zM9 3h3v10H9z",
  forward: "M4.4 3v10l7.4-5z",
  last: "M3 3v10l7.4-5zM11.4 3H13v10h-1.6z",
};
const LOOP =
  "M3 8.5V7a2.5 2.5 0 0 1 2.5-2.5H13M10.8 2.2 13 4.5l-2.2 2.3M13 7.5V9a2.5 2.5 0 0 1-2.5 2.5H3M5.2 13.8 3 11.5l2.2-2.3";

export class Transport implements View {
  readonly element = h("div", { class: "hw-transport" });
  readonly #session: Session;
  readonly #buttons: Record<"first" | "back" | "play" | "forward" | "last", HTMLButtonElement>;
  readonly #jump: Jump;
  /** Parts that draw themselves. */
  readonly #parts: readonly View[];
  readonly #loop = button("Loop", icon("", LOOP), {
    class: "hw-button hw-toggle hw-loop",
    title: "Play again and again",
  });
  readonly #now = h("b");
  readonly #all = h("span");
  /** The sub-step within a pop. */
  readonly #part = h("span", { class: "hw-part" });
  readonly #sizes: Choice<"pop" | "slow">;
  readonly #speed = h("select", { class: "hw-speed", "aria-label": "Speed" });

  constructor(session: Session, signal: AbortSignal) {
    this.#session = session;
    const control = (name: string, shape: keyof typeof ICONS, click: () => void) => {
      const element = button(name, icon(ICONS[shape]), { class: `hw-button hw-${shape}` });
      listen(element, { click }, signal);
      return element;
    };
    this.#buttons = {
      first: control("First", "first", () => session.seek(0)),
      back: control("Back", "back", () => session.move(-1)),
      play: control("Play", "play", () => session.toggle()),
      forward: control("Forward", "forward", () => session.move(1)),
      last: control("Last", "last", () => session.seek(session.steps)),
    };
    listen(this.#loop, { click: () => session.update({ play: { loop: !session.state.play.loop } }) }, signal);
    const setSpeed = () => session.update({ play: { interval: Number(this.#speed.value) } });
    listen(this.#speed, { change: setSpeed }, signal);
    const sizes = [
      { value: "pop", text: "pop" },
      { value: "slow", text: "compare and swap" },
    ] as const;
    const setSize = (size: "pop" | "slow") => session.update({ cursor: { slow: size === "slow" } });
    this.#sizes = new Choice("Step size", sizes, setSize, signal);
    const scrubber = new Scrubber(session, signal);
    const bookmark = new BookmarkButton(session, signal);
    this.#jump = new Jump(session, signal);
    this.#parts = [scrubber, bookmark, this.#jump];
    this.element.append(
      h("div", { class: "hw-buttons" }, ...Object.values(this.#buttons)),
      scrubber.element,
      h("div", { class: "hw-count" }, this.#now, this.#all, this.#part),
      bookmark.element,
      this.#jump.element,
      this.#loop,
      this.#speed,
      this.#sizes.element,
    );
  }

  update(): void {
    const { state, steps } = this.#session;
    const { cursor, play: pace } = state;
    for (const part of this.#parts) part.update();
    this.#loop.setAttribute("aria-pressed", String(pace.loop));
    setText(this.#now, formatCount(cursor.step));
    setText(this.#all, ` / ${formatCount(steps)}`);
    this.#now.style.minWidth = `${formatCount(steps).length}ch`;
    const { first, back, play, forward, last } = this.#buttons;
    this.#sizes.update(cursor.slow ? "slow" : "pop");
    const { slow } = this.#session;
    setText(this.#part, slow ? ` + ${formatCount(cursor.sub)}/${formatCount(slow.pop.steps.length)}` : "");
    first.disabled = back.disabled = cursor.step === 0 && cursor.sub === 0;
    forward.disabled = last.disabled = cursor.step === steps;
    play.disabled = steps === 0;
    this.#drawPlay(play, pace.playing);
    this.#drawSpeed(pace.interval);
  }

  /** Goes to the next pop of what was chosen, or to the one before. */
  jump(forward: boolean): void {
    this.#jump.go(forward);
  }

  #drawPlay(play: HTMLButtonElement, playing: boolean): void {
    const name = playing ? "Pause" : "Play";
    if (play.getAttribute("aria-label") === name && play.dataset.drawn) return;
    play.dataset.drawn = "true";
    play.setAttribute("aria-label", name);
    play.title = `${name} (space)`;
    play.querySelector("path")?.setAttribute("d", playing ? ICONS.pause : ICONS.play);
  }

  /** An interval that Python set gets an entry of its own. */
  #drawSpeed(interval: number): void {
    if (this.#speed.options.length > 0 && Number(this.#speed.value) === interval) return;
    const speeds = new Set([...SPEEDS, NORMAL / interval]);
    this.#speed.replaceChildren(
      ...[...speeds]
        .sort((a, b) => a - b)
        .map((speed) => h("option", { value: NORMAL / speed }, `${Number(speed.toPrecision(2))}×`)),
    );
    this.#speed.value = String(interval);
  }
}
