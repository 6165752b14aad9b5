/** The anywidget module. A function, so that each model gets a closure of its own: hosts cache the module. */

import type { AnyModel, InitializeProps, RenderProps } from "@anywidget/types";
import { ModelHost, type Traits } from "./host/anywidget";

export default () => {
  let host: ModelHost | null = null;
  return {
    initialize({ model }: Pick<InitializeProps, "model">) {
      host = new ModelHost(model as AnyModel<Traits>);
      return () => {
        host?.destroy();
        host = null;
      };
    },
    render({ model, el }: Pick<RenderProps, "model" | "el">) {
      // A host that never initialises gets a session that lives as long as the view.
      const own = host ? null : new ModelHost(model as AnyModel<Traits>);
      const unmount = (host ?? (own as ModelHost)).render(el);
      return () => {
        unmount();
        own?.destroy();
      };
    },
  };
};
