/**
 * What keys do in a place, by one rule: a key that means something here is taken, and means nothing further out; keys
 * with Ctrl, Meta or Alt are the browser's, or the host's, and those with Shift pass unless the place says otherwise.
 */

export type Keys = Readonly<Record<string, () => void>>;

/** Does what a key stands for here, if anything. */
export function takeKey(event: KeyboardEvent, keys: Keys, withShift = false): void {
  const act = keys[event.key];
  if (!act || isShortcut(event) || (event.shiftKey && !withShift)) return;
  event.preventDefault();
  event.stopPropagation();
  act();
}

/** Keys of the browser or the host; brackets need AltGr on many keyboards, which some systems tell as Ctrl and Alt. */
const isShortcut = (event: KeyboardEvent): boolean =>
  (event.ctrlKey || event.metaKey || event.altKey) && !event.getModifierState("AltGraph");

/** What the four arrows do, by how far each goes to the right and down. */
export const arrowKeys = (act: (right: number, down: number) => () => void): Keys => ({
  ArrowLeft: act(-1, 0),
  ArrowRight: act(1, 0),
  ArrowUp: act(0, -1),
  ArrowDown: act(0, 1),
});

/** Keys that scroll. */
export const SCROLLING = ["ArrowUp", "ArrowDown", "PageUp", "PageDown", "Home", "End"];

/** Leaves an element with the focus those keys that it has a use for itself: they mean nothing further out. */
export function leaveKeys(element: HTMLElement, own: (key: string) => boolean, signal: AbortSignal): void {
  const leave = (event: KeyboardEvent) => {
    if (event.target === element && own(event.key)) event.stopPropagation();
  };
  element.addEventListener("keydown", leave, { signal });
}
