/** Whether an element is on the screen, so that what nobody sees need not be drawn at each pop. */

/** So much around the screen counts too: what is scrolled to is there already. */
const MARGIN = "200px";

/** Tells, until aborted, whether `element` is in sight or has the focus; `onSeen` is called when it comes into sight. */
export function watchSight(element: HTMLElement, onSeen: () => void, signal: AbortSignal): () => boolean {
  let seen = true;
  const observer = new IntersectionObserver(
    (entries) => {
      const before = seen;
      seen = entries.at(-1)?.isIntersecting ?? true;
      if (seen && !before) onSeen();
    },
    { rootMargin: MARGIN },
  );
  observer.observe(element);
  signal.addEventListener("abort", () => observer.disconnect());
  return () => seen || element.matches(":focus-within");
}
