/** Light or dark, as the page around the viewer is, and the colours that canvases need as values. */

export interface Palette {
  readonly dark: boolean;
  readonly ink: string;
  readonly muted: string;
  readonly faint: string;
  readonly line: string;
  readonly warm: string;
  readonly warmSoft: string;
  readonly blue: string;
  readonly cool: string;
  readonly bg: string;
  /** Dots of the tree, and what is written on colour. */
  readonly dot: string;
  readonly onColor: string;
  /** Ground of the network's maps. */
  readonly map: string;
  /** What is hatched over the colours of what is negative. */
  readonly halo: string;
  /** Areas of the curve. */
  readonly areas: Readonly<Record<"explained" | "popped" | "absorbed" | "heap" | "dust", string>>;
}

/** Font size of labels, and the width of a letter where text cannot be measured. */
const LABEL_SIZE = 11;
const LETTER = 6.3;

const DARK_NAMES = /(^|[\s-])dark($|[\s-])/;

/** Says whether the page is dark: its own word first, then its background, then the system's wish. */
export function isDark(element: Element): boolean {
  const { body, documentElement } = document;
  const jupyter = body.getAttribute("data-jp-theme-light");
  if (jupyter !== null) return jupyter === "false";
  for (const page of [body, documentElement]) {
    for (const name of ["data-vscode-theme-kind", "data-theme", "theme", "class"]) {
      const value = page.getAttribute(name);
      if (value && DARK_NAMES.test(value)) return true;
      if (value && (name === "data-theme" || name === "theme") && value.includes("light")) return false;
    }
  }
  for (let at: Element | null = element; at; at = at.parentElement) {
    const [r, g, b, a = 1] = (getComputedStyle(at).backgroundColor.match(/[\d.]+/g) ?? []).map(Number);
    if (r !== undefined && g !== undefined && b !== undefined && a > 0.5)
      return 0.3 * r + 0.6 * g + 0.1 * b < 110;
  }
  return globalThis.matchMedia?.("(prefers-color-scheme: dark)").matches ?? false;
}

export class Theme {
  /** Colours in force. */
  #palette: Palette;
  /** Measures text. */
  #pen: CanvasRenderingContext2D | null = null;
  /** The family of all text, once known. */
  #family = "";
  /** The viewer's root, which bears the class. */
  readonly #root: HTMLElement;

  constructor(root: HTMLElement, onChange: () => void, signal: AbortSignal) {
    this.#root = root;
    this.#palette = this.#read();
    const check = () => {
      const before = JSON.stringify(this.#palette);
      this.#palette = this.#read();
      if (JSON.stringify(this.#palette) !== before) onChange();
    };
    const observer = new MutationObserver(check);
    for (const page of [document.body, document.documentElement])
      observer.observe(page, { attributes: true });
    globalThis.matchMedia?.("(prefers-color-scheme: dark)").addEventListener?.("change", check, { signal });
    signal.addEventListener("abort", () => observer.disconnect());
  }

  /** Width of a text in the size of the cards' labels. */
  textWidth(text: string): number {
    if (!this.#pen) {
      this.#pen = document.createElement("canvas").getContext("2d");
      if (!this.#pen) return text.length * LETTER;
      this.#pen.font = this.font(LABEL_SIZE);
    }
    return this.#pen.measureText(text).width;
  }

  /** The viewer's font, for canvases, in a size in pixels. */
  font(size: number): string {
    if (this.#family === "") this.#family = getComputedStyle(this.#root).fontFamily || "sans-serif";
    return `${size}px ${this.#family}`;
  }

  get palette(): Palette {
    return this.#palette;
  }

  #read(): Palette {
    const parent = this.#root.parentElement ?? document.body;
    const dark = isDark(parent);
    this.#root.classList.toggle("hw-dark", dark);
    const style = getComputedStyle(this.#root);
    const color = (name: string) => style.getPropertyValue(`--hw-${name}`).trim();
    return {
      dark,
      ink: color("ink"),
      muted: color("muted"),
      faint: color("faint"),
      line: color("line"),
      warm: color("warm"),
      warmSoft: color("warm-soft"),
      blue: color("blue"),
      cool: color("cool"),
      bg: color("bg"),
      dot: color("dot"),
      onColor: color("on-color"),
      map: color("map"),
      halo: color("halo"),
      areas: {
        explained: color("area-explained"),
        popped: color("area-popped"),
        absorbed: color("area-absorbed"),
        heap: color("area-heap"),
        dust: color("area-dust"),
      },
    };
  }
}
