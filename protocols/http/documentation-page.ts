import { createHash } from "node:crypto";
import type { Json, JsonObject, OpenApiDocument, OpenApiOperation } from "./openapi.ts";

const style = `
:root { color-scheme: light dark; --line: light-dark(#d8dee4, #3d444d); --soft: light-dark(#f6f8fa, #151b23); }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h1, h2, h3 { line-height: 1.2; } h2 { margin-top: 2.5rem; text-transform: capitalize; }
code, pre { font: 0.875em/1.5 ui-monospace, monospace; }
pre { background: var(--soft); padding: 0.75rem; overflow: auto; }
details { border: 1px solid var(--line); border-radius: 6px; margin: 0.5rem 0; padding: 0.5rem 0.75rem; }
summary { cursor: pointer; } summary code { font-weight: 600; margin-right: 0.75rem; }
table { border-collapse: collapse; width: 100%; margin: 0.5rem 0; }
th, td { border-bottom: 1px solid var(--line); padding: 0.25rem 0.5rem; text-align: left; vertical-align: top; }
nav a { margin-right: 1rem; text-transform: capitalize; }
`;

/** The page needs its own style sheet and nothing else: no script, no font, no other origin. */
export const documentationPolicy = [
  "default-src 'none'",
  `style-src 'sha256-${createHash("sha256").update(style).digest("base64")}'`,
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

type Methods = readonly (readonly [path: string, method: string, operation: OpenApiOperation])[];

/** The OpenAPI document as a page for people. */
export function documentationPage(document: OpenApiDocument): string {
  const { info, paths, components } = document;
  const operations: Methods = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => [path, method, operation] as const),
  );
  const tags = [...new Set(operations.flatMap(([, , { tags: own }]) => own))];
  const links = [...tags, "schemas"].map((tag) => `<a href="#${escaped(tag)}">${escaped(tag)}</a>`).join("");
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escaped(info.title)} API ${escaped(info.version)}</title>
<style>${style}</style>
</head>
<body>
<h1>${escaped(info.title)} API ${escaped(info.version)}</h1>
${paragraphs(info.description)}
<p>This page is made of <a href="/openapi.json">openapi.json</a> (OpenAPI ${escaped(document.openapi)}).</p>
<nav>${links}</nav>
${tags.map((tag) => tagSection(tag, operations)).join("\n")}
<h2 id="schemas">Schemas</h2>
${Object.entries(components.schemas).map(schemaSection).join("\n")}
</body>
</html>
`;
}

function tagSection(tag: string, operations: Methods): string {
  const own = operations.filter(([, , { tags }]) => tags.includes(tag));
  return `<h2 id="${escaped(tag)}">${escaped(tag)}</h2>\n${own.map(operationSection).join("\n")}`;
}

function operationSection([path, method, operation]: Methods[number]): string {
  const { operationId, summary, description, parameters, requestBody, responses } = operation;
  return `<details id="${escaped(operationId)}">
<summary><code>${escaped(`${method.toUpperCase()} ${path}`)}</code>${escaped(summary)}</summary>
${description === undefined ? "" : paragraphs(description)}
${parameters.length === 0 ? "" : table("Parameters", parameters.map(parameterRow))}
${requestBody ? `<h3>Content</h3>${content(requestBody)}` : ""}
${table("Answers", Object.entries(responses).map(responseRow))}
</details>`;
}

type Row = readonly string[];

function parameterRow({ name, in: place, required, description, schema }: OpenApiOperation["parameters"][number]): Row {
  const kind = `${place}${required ? ", required" : ""}`;
  return [code(name), escaped(kind), code(JSON.stringify(schema)), escaped(description ?? "")];
}

function responseRow([status, response]: readonly [string, JsonObject]): Row {
  return [code(status), escaped(String(response.description)), content(response)];
}

function table(title: string, rows: readonly Row[]): string {
  const lines = rows.map((cells) => `<tr>${cells.map((cell) => `<td>${cell}</td>`).join("")}</tr>`);
  return `<h3>${title}</h3><table>${lines.join("")}</table>`;
}

function content(described: JsonObject): string {
  const forms = Object.entries((described.content ?? {}) as JsonObject);
  return forms
    .map(([mediaType, form]) => {
      const { schema = {} } = form as { readonly schema?: JsonObject };
      return `<div>${code(mediaType)} ${schemaText(schema)}</div>`;
    })
    .join("");
}

function schemaText(schema: JsonObject): string {
  const { $ref } = schema;
  if (typeof $ref === "string") return schemaLink($ref);
  return Object.keys(schema).length === 0 ? "" : pretty(schema);
}

function schemaLink($ref: string): string {
  const id = $ref.slice($ref.lastIndexOf("/") + 1);
  return `<a href="#schema-${escaped(id)}">${escaped(id)}</a>`;
}

function schemaSection([id, schema]: readonly [string, Json | undefined]): string {
  const summary = `<summary><code>${escaped(id)}</code></summary>`;
  return `<details id="schema-${escaped(id)}">${summary}${pretty(schema ?? {})}</details>`;
}

function pretty(value: Json): string {
  return `<pre>${escaped(JSON.stringify(value, undefined, 2))}</pre>`;
}

function code(text: string): string {
  return `<code>${escaped(text)}</code>`;
}

function paragraphs(text: string): string {
  return text
    .split("\n\n")
    .map((paragraph) => `<p>${escaped(paragraph).replaceAll(/`([^`]+)`/g, "<code>$1</code>")}</p>`)
    .join("\n");
}

const entities: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };

function escaped(text: string): string {
  return text.replaceAll(/[&<>"]/g, (character) => entities[character] ?? character);
}
