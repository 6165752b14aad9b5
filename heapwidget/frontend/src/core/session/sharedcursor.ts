/** Viewers on one cursor: those of a page that bear the same word go on together, whoever is moved. */

import { type Lengths, lengthsOf, sharedBy } from "./timeline";
import type { Stateful, ViewState } from "./viewstate";

/** How the cursor stands and moves. */
interface Pace {
  readonly place: number;
  readonly playing: boolean;
  readonly interval: number;
}

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

export class SharedCursor implements Member {
  readonly lengths: Lengths;
  readonly #session: Stateful;
  /** The word under which the cursor is shared; empty: it is not. */
  #name = "";
  /** Whether the change that is under way came from another member. */
  #following = false;

  constructor(session: Stateful) {
    this.#session = session;
    this.lengths = lengthsOf(session.trace);
    this.#join(session.state.shared.link);
    session.subscribe((state, previous) => this.#heed(state, previous));
  }

  get pace(): Pace {
    return paceOf(this.#session.state);
  }

  regroup(all: readonly Lengths[]): void {
    this.#session.update({ shared: { lengths: sharedBy(all), companions: all.length - 1 } });
  }

  follow(pace: Pace): void {
    this.#following = true;
    const { place, playing, interval } = pace;
    this.#session.update({ cursor: { place }, play: { playing, interval, led: playing } });
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
    if (state.shared.link !== previous.shared.link) this.#join(state.shared.link);
    const moved = JSON.stringify(paceOf(state)) !== JSON.stringify(paceOf(previous));
    if (this.#following || !moved) return;
    for (const member of [...(groups().get(this.#name) ?? [])]) {
      if (member !== this) member.follow(this.pace);
    }
  }
}

const paceOf = ({ cursor, play }: ViewState): Pace => ({
  place: cursor.place,
  playing: play.playing,
  interval: play.interval,
});

function regroup(members: ReadonlySet<Member>): void {
  const all = [...members].map((member) => member.lengths);
  for (const member of members) member.regroup(all);
}
