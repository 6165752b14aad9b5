/** The viewer in a page without a kernel: `<script type="application/json" class="heapwidget-data">` per viewer. */

import { mountPage } from "./host/page";

document.body.classList.add("hw-page");
mountPage();
