import type { AccountingEvent } from "../../core/accounting-event.ts";

/** The readable part of an alert: each event as a table, in HTML that loads nothing and runs nothing. */
export function htmlOf(content: {
  readonly title: string;
  readonly events: readonly AccountingEvent[];
  readonly count: number;
}): string {
  const { title, events, count } = content;
  const rest = count - events.length;
  return [
    `<!doctype html><html><head><meta charset="utf-8"><title>${escaped(title)}</title></head>`,
    '<body style="font-family:sans-serif">',
    `<h2>${escaped(title)}</h2>`,
    ...events.map(eventTable),
    ...(rest > 0 ? [`<p>and ${rest} more</p>`] : []),
    "</body></html>",
  ].join("\n");
}

function eventTable({
  message,
  time,
  type,
  server,
  account,
  protocol,
  peer,
  session,
  data,
  id,
}: AccountingEvent): string {
  const rows = Object.entries({
    time,
    type,
    account: account?.name,
    groups: account?.groups.join(", "),
    protocol,
    peer: peer?.address,
    ...data,
    server,
    session,
    id,
  }).filter(([, value]) => value !== undefined && value !== "");
  return `<p><b>${escaped(message)}</b></p><table>${rows.map(tableRow).join("")}</table>`;
}

function tableRow([name, value]: readonly [string, unknown]): string {
  const text = typeof value === "object" ? JSON.stringify(value) : String(value);
  return `<tr><th align="left">${escaped(name)}</th><td>${escaped(text)}</td></tr>`;
}

function escaped(text: string): string {
  return text.replace(/[&<>"'\p{Cc}\u202a-\u202e\u2066-\u2069]/gu, (character) => `&#${character.codePointAt(0)};`);
}
