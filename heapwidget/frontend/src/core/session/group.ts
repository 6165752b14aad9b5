/** Viewers on one cursor: those of a page that bear the same word go on together, whoever is moved. */

import type { Session, ViewState } from "./session";
import { type Lengths, lengthsOf, sharedBy } from "./timeline";

/** How the cursor stands and moves. */
type Pace = Pick<ViewState, "place" | "playing" | "interval">;

/** What members know of one another; each widget of a notebook has its own copy of this module. */
interface Member {
  readonly lengths: Lengths;
  readonly pace: Pace;
  /** Hears who shares the cursor. */
  regroup(all: readonly Lengths[]): void;
  follow(pace: Pace): void;
}

type Groups = Map<string, Set<Member>>;

const KEY = Symbol.for("heapwidget.links");

/** The groups of the page, whichever copy of this module asks. */
function groups(): Groups {
  const page = globalThis as { [KEY]?: Groups };
  page[KEY] ??= new Map();
  return page[KEY];
}

export class Link implements Member {
  readonly lengths: Lengths;
  readonly #session: Session;
  /** The word under which the cursor is shared; empty: it is not. */
  #name = "";
  /** Whether the change that is under way came from another member. */
  #following = false;

  constructor(session: Session) {
    this.#session = session;
    this.lengths = lengthsOf(session.trace);
    this.#join(session.state.link);
    session.subscribe((state, previous) => this.#heed(state, previous));
  }

  get pace(): Pace {
    const { place, playing, interval } = this.#session.state;
    return { place, playing, interval };
  }

  regroup(all: readonly Lengths[]): void {
    this.#session.update({ shared: sharedBy(all), companions: all.length - 1 });
  }

  follow(pace: Pace): void {
    this.#following = true;
    this.#session.update({ ...pace, led: pace.playing });
    this.#following = false;
  }

  leave(): void {
    const members = groups().get(this.#name);
    if (!members) return;
    members.delete(this);
    if (members.size === 0) groups().delete(this.#name);
    regroup(members);
  }

  #join(name: string): void {
    this.leave();
    this.#name = name;
    if (name === "") {
      regroup(new Set([this]));
      return;
    }
    const members = groups().get(name) ?? new Set();
    const [first] = members;
    groups().set(name, members.add(this));
    regroup(members);
    if (first) this.follow(first.pace);
  }

  #heed(state: ViewState, previous: ViewState): void {
    if (state.link !== previous.link) this.#join(state.link);
    const { place, playing, interval } = previous;
    if (
      this.#following ||
      (state.place === place && state.playing === playing && state.interval === interval)
    )
      return;
    for (const member of [...(groups().get(this.#name) ?? [])]) {
      if (member !== this) member.follow(this.pace);
    }
  }
}

function regroup(members: ReadonlySet<Member>): void {
  const all = [...members].map((member) => member.lengths);
  for (const member of members) member.regroup(all);
}
