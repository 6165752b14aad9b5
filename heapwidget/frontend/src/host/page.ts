/** Viewers in a static page: each reads a JSON script with its header, its columns in base64, and its input. */

import { mountFailure } from "../chrome/failure";
import { mountViewer } from "../chrome/viewer";
import { givenState } from "../core/session/given";
import { Session } from "../core/session/session";
import { readInput } from "../core/trace/input";
import { readTrace } from "../core/trace/read";

interface PageData {
  readonly header: unknown;
  readonly columns: Readonly<Record<string, string>>;
  readonly input?: { readonly parts: readonly Readonly<Record<string, unknown>>[] };
  /** Where to begin, as in the traits. */
  readonly state?: unknown;
}

/** Bytes that know base64, as they do in newer browsers. */
type Bytes = typeof Uint8Array & { fromBase64?: (base64: string) => Uint8Array };

/** Elsewhere a plain loop: ten times faster than `Uint8Array.from` with a function. */
function decode(base64: string): Uint8Array {
  const { fromBase64 } = Uint8Array as Bytes;
  if (fromBase64) return fromBase64.call(Uint8Array, base64);
  const binary = atob(base64);
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; i++) bytes[i] = binary.charCodeAt(i);
  return bytes;
}

function readPage(script: Element): Session {
  const data = JSON.parse(script.textContent ?? "") as PageData;
  const columns = Object.fromEntries(
    Object.entries(data.columns).map(([name, text]) => [name, decode(text)]),
  );
  const trace = readTrace(data.header, columns);
  const parts = (data.input?.parts ?? []).map(readPart);
  const around = { isHidden: () => document.hidden };
  return new Session(trace, readInput({ parts }, trace), givenState(data.state), around);
}

/** A part of the input with its numbers as bytes. */
const readPart = (part: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> =>
  Object.fromEntries(
    Object.entries(part).map(([name, value]) => [
      name,
      (name === "pixels" || name === "values") && typeof value === "string" ? decode(value) : value,
    ]),
  );

/** Shows the viewers of the page's data scripts, where the first of them is. */
export function mountPage(): void {
  const scripts = [...document.querySelectorAll("script.heapwidget-data")];
  const page = document.createElement("div");
  page.className = scripts.length > 1 ? "hw-page-viewer hw-compare" : "hw-page-viewer";
  scripts[0]?.before(page);
  for (const script of scripts) {
    const place = document.createElement("div");
    page.append(place);
    try {
      mountViewer(place, readPage(script));
    } catch (error) {
      mountFailure(place, error);
    }
  }
}
