"""Viewers in a bare page, from the state that a notebook or `ipywidgets.embed` saves: a host without a kernel."""

from typing import Any

from ipywidgets import Widget
from ipywidgets.embed import dependency_state
from playwright.sync_api import Page

# Hosts hand each buffer over as a DataView, run `_esm` as a module of its own, and put `_css` into the page.
HOST = """async (saved) => {
    const put = (state, { path, data }) => {
        const bytes = Uint8Array.from(atob(data), (c) => c.charCodeAt(0));
        const owner = path.slice(0, -1).reduce((at, key) => at[key], state);
        owner[path.at(-1)] = new DataView(bytes.buffer);
    };
    const modelOf = (state) => {
        const listeners = new Map();
        const model = {
            state,
            sent: [],
            get: (name) => state[name],
            set(name, value) { if (state[name] !== value) { state[name] = value; model.fire(`change:${name}`); } },
            on: (event, f) => listeners.set(event, (listeners.get(event) ?? new Set()).add(f)),
            off: (event, f) => listeners.get(event)?.delete(f),
            save_changes() {},
            send: (content) => model.sent.push(content),
            fire(event, content) { for (const f of [...(listeners.get(event) ?? [])]) f(content); },
            listening: () => [...listeners.values()].reduce((n, set) => n + set.size, 0),
        };
        return model;
    };
    window.viewers = [];
    for (const { state, buffers } of saved) {
        for (const buffer of buffers) put(state, buffer);
        document.head.append(Object.assign(document.createElement("style"), { textContent: state._css }));
        const url = URL.createObjectURL(new Blob([state._esm], { type: "text/javascript" }));
        const widget = (await import(url)).default();
        URL.revokeObjectURL(url);
        const model = modelOf(state);
        const el = document.body.appendChild(document.createElement("div"));
        const stop = await widget.initialize({ model });
        const unmount = await widget.render({ model, el });
        window.viewers.push({ model, el, stop, unmount, widget });
    }
}"""


def show_saved(page: Page, *widgets: Widget) -> None:
    """Show viewers in a page as it is; `window.viewers` holds them with their models."""
    states = dependency_state(widgets, drop_defaults=False)
    show_states(page, *(states[widget.model_id] for widget in widgets))


def show_states(page: Page, *states: dict[str, Any]) -> None:
    """The same from states as they are saved: each with its state, and its buffers in base64."""
    page.set_content('<!doctype html><meta charset="utf-8"><title>saved</title><body></body>')
    page.evaluate(HOST, [{"buffers": [], **state} for state in states])
