/** What is shown where there is nothing to show. */

import { h } from "../kit/dom";

export const failureText = (): HTMLElement => h("b", {}, "The trace cannot be shown. ");

export function mountFailure(parent: HTMLElement, error: unknown): () => void {
  const message = error instanceof Error ? error.message : String(error);
  const root = h("div", { class: "heapwidget hw-failure", role: "alert" }, failureText(), message);
  parent.append(root);
  return () => root.remove();
}
