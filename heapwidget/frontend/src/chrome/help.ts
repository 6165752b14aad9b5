/** The help: what is shown, and the keys. */

import { h } from "../kit/dom";
import { badge, type CardState } from "../panels/heap/badge";
import { KEYS } from "./keys";

const STATES: readonly [CardState, string][] = [
  ["popped", "popped: taken from the top of the heap"],
  ["pushed", "pushed: entered the heap at this step"],
  ["rekeyed", "re-keyed: was in the heap, its key grew"],
  ["lowered", "re-keyed: was in the heap, its key shrank"],
];

const NOTES = [
  "Under the floor: relevance in nodes too small to enter the heap; passed on in the finish.",
  "Click a node to follow it; click a popped pixel to go to its pop.",
  "Heap: double-click a node to open the tree under it, and take the path above the tree back. Click the array to find a cell in the tree.",
  "Network: colour is what a node has passed on so far. Double-click a node to go to its next pop; click a fold to open it. Paths: the strongest flows so far.",
  "Compare and swap: a step is one comparison or one move in the heap. Two framed nodes are compared, a blue one was moved, a dashed one is the hole; the code panel shows the line.",
  "Drag the grey grips between the panels to resize them; double-click undoes it.",
];

export function help(): HTMLElement {
  const sheet = h("div", { class: "hw-help" }, h("h3", {}, "What is shown"));
  for (const [state, text] of STATES) sheet.append(h("p", { class: `hw-${state}` }, badge(state), text));
  sheet.append(
    h("p", {}, h("i", { class: "hw-frame-sample" }), "frame: the part of the input that a node sees"),
    h("p", {}, h("i", { class: "hw-bar-sample" }), "bar, dot: the key, relative to the largest"),
    ...NOTES.map((note) => h("p", { class: "hw-wide" }, note)),
    h("h3", {}, "Keys, while the viewer has the focus"),
  );
  for (const [keys, text] of KEYS) sheet.append(h("p", {}, h("kbd", {}, keys), text));
  return sheet;
}
