// The parts of the page as HTML. Every value passes through `escape`; page.js fills the same parts in the browser.

import type { Hop, Quote } from "../schema.ts";
import { cellsOf, directionOf, positionOf } from "./text.ts";

/** Columns in order: field of `cellsOf` (`range` is drawn), heading. */
const columns = [
  ["symbol", "Symbol"],
  ["price", "Price"],
  ["change", "Change"],
  ["low", "Low"],
  ["range", "Range"],
  ["high", "High"],
  ["open", "Open"],
  ["close", "Prev. close"],
  ["time", "Trade (UTC)"],
] as const;

/** Text that is safe in an element and in a quoted attribute. */
export function escape(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

/** Roles are written out, because the narrow layout turns rows into grids and browsers then forget them. */
export function quotesTable(quotes: readonly Quote[]): string {
  const headings = columns.map(
    ([field, heading]) => `<th role="columnheader" scope="col" class="${field}">${heading}</th>`,
  );
  return `<table role="table" aria-label="Quotes">
<thead role="rowgroup"><tr role="row">${headings.join("")}</tr></thead>
<tbody role="rowgroup">
${quotes.map(quoteRow).join("\n")}
</tbody>
</table>`;
}

export function quoteRow(quote: Quote): string {
  const text = Object.fromEntries(Object.entries(cellsOf(quote)).map(([field, value]) => [field, escape(value)]));
  const span = (field: string): string => `<span data-field="${field}">${text[field] ?? ""}</span>`;
  const plain = (field: string, heading: string): string =>
    `<td role="cell" class="${field}" data-heading="${heading}">${span(field)}</td>`;
  const cells = columns.map(([field, heading]) => {
    if (field === "symbol") return `<th role="rowheader" scope="row" class="symbol">${span("symbol")}</th>`;
    if (field === "price") {
      return `<td role="cell" class="price"><span class="tick"><span class="arrow" aria-hidden="true"></span><span class="moved"></span>${span("price")}</span></td>`;
    }
    if (field === "change") return `<td role="cell" class="change">${span("change")} ${span("percent")}</td>`;
    if (field === "range") return `<td role="cell" class="range" aria-hidden="true">${range(quote)}</td>`;
    return plain(field, heading);
  });
  const direction = directionOf(text["change"] ?? "");
  return `<tr role="row" data-symbol="${text["symbol"]}" data-change="${direction}" data-tick="same">${cells.join("")}</tr>`;
}

/** A line from low to high with a mark at the open and a dot at the price. */
function range(quote: Quote): string {
  return (
    `<svg viewBox="-4 0 108 12" width="108" height="12"><path class="line" d="M0 6h100"/>` +
    `<rect class="opened" width="2" height="8" y="2" x="${positionOf(quote.open, quote)}"/>` +
    `<circle class="now" r="3.5" cy="6" cx="${positionOf(quote.price, quote)}"/></svg>`
  );
}

/** Both ends of the hop; hidden when no sidecar vouches for it. */
export function hopSection(hop: Hop | null): string {
  return `<section id="hop" aria-label="How these quotes travelled"${hop === null ? " hidden" : ""}>
<dl>${hopEnd("caller", "Caller", hop?.caller)}<div class="mtls" aria-hidden="true">mTLS</div>${hopEnd("callee", "Callee", hop?.callee)}</dl>
</section>`;
}

function hopEnd(id: string, heading: string, spiffeId = ""): string {
  return `<div><dt>${heading}</dt><dd><code id="${id}">${escape(spiffeId)}</code></dd></div>`;
}
