/** The badge that tells what the last row did to a node. */

import { icon, s } from "../../kit/dom";

export type CardState = "" | "pushed" | "rekeyed" | "lowered" | "popped";

/** Shapes within the badge: up out of the heap, new in it, moved up or down within it. */
export const BADGES: Readonly<Record<CardState, string>> = {
  "": "",
  popped: "M4.5 9.5 8 6l3.5 3.5",
  pushed: "M8 4.2v7.6M4.2 8h7.6",
  rekeyed: "M8 12V4.6M4.8 7.6 8 4.4l3.2 3.2",
  lowered: "M8 4v7.4M4.8 8.4 8 11.6l3.2-3.2",
};
/** The badge of a state, for the help as well. */
export function badge(state: CardState): SVGSVGElement {
  const svg = icon("", BADGES[state]);
  svg.classList.add("hw-badge");
  svg.prepend(s("circle", { cx: 8, cy: 8, r: 8 }));
  return svg;
}
