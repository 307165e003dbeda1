import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import type { HttpApplication } from "../../protocols/http/application.ts";
import type { JsonObject, OpenApiDocument, OpenApiOperation } from "../../protocols/http/openapi.ts";

const peer = { address: "127.0.0.1", port: 1 };

/** The document that the API gives of itself. */
export async function documentOf(application: HttpApplication): Promise<OpenApiDocument> {
  const response = await application(new Request("http://localhost/openapi.json"), peer);
  return (await response.json()) as OpenApiDocument;
}

/**
 * The same API, where each answer is held against the API's own OpenAPI document.
 * @param report is told of each answer that the document does not allow
 */
export function conformanceChecked(application: HttpApplication, report: (finding: string) => void): HttpApplication {
  let checker: Promise<ConformanceChecker> | undefined;
  return async (request, from, waitUntil) => {
    const { method, url } = request;
    const response = await application(request, from, waitUntil);
    checker ??= documentOf(application).then((document) => new ConformanceChecker(document));
    const finding = await (await checker).findingIn(method, new URL(url).pathname, response);
    if (finding !== undefined) report(`${method} ${url} ${response.status}: ${finding}`);
    return response;
  };
}

class ConformanceChecker {
  readonly #document: OpenApiDocument;
  readonly #routes: readonly {
    readonly pattern: RegExp;
    readonly methods: Readonly<Record<string, OpenApiOperation>>;
  }[];
  readonly #ajv: Ajv2020;
  readonly #validators = new Map<string, ValidateFunction>();

  constructor(document: OpenApiDocument) {
    this.#document = document;
    this.#routes = Object.entries(document.paths).map(([path, methods]) => {
      return { pattern: new RegExp(`^${path.replaceAll(".", "\\.").replaceAll(/\{\w+\}/g, "[^/]+")}$`), methods };
    });
    this.#ajv = new Ajv2020({ strict: false, allErrors: true });
    addFormats.default(this.#ajv);
    this.#ajv.addSchema({ $id: "openapi", components: document.components });
  }

  async findingIn(method: string, path: string, response: Response): Promise<string | undefined> {
    const operation = this.#operationAt(method, path);
    if (!operation) return this.#problemFinding(response);
    const declared = operation.responses[response.status] ?? operation.responses.default;
    const isProblem = response.status >= 400 && operation.responses[response.status] === undefined;
    if (!declared || (response.status < 400 && operation.responses[response.status] === undefined)) {
      return "the status is not declared";
    }
    if (isProblem) return this.#problemFinding(response);
    return this.#contentFinding(method, declared, response);
  }

  #operationAt(method: string, path: string): OpenApiOperation | undefined {
    const name = method === "HEAD" ? "get" : method.toLowerCase();
    return this.#routes.find(({ pattern }) => pattern.test(path))?.methods[name];
  }

  async #problemFinding(response: Response): Promise<string | undefined> {
    const { Problem } = this.#document.components.schemas;
    return Problem ? this.#jsonFinding("#/components/schemas/Problem", response) : "there is no schema Problem";
  }

  async #contentFinding(method: string, declared: JsonObject, response: Response): Promise<string | undefined> {
    const content = (declared.content ?? {}) as Readonly<Record<string, { readonly schema?: JsonObject }>>;
    const mediaType = response.headers.get("content-type")?.split(";")[0];
    if (mediaType === undefined) return undefined;
    const form = content[mediaType];
    if (!form) return `the media type ${mediaType} is not declared`;
    const isEmpty = method === "HEAD" || response.status === 304;
    if (isEmpty || !/[/+]json$/.test(mediaType)) return undefined;
    return this.#jsonFinding(JSON.stringify(form.schema ?? {}), response);
  }

  async #jsonFinding(schema: string, response: Response): Promise<string | undefined> {
    if (!response.body) return undefined;
    const value: unknown = await response.clone().json();
    const validate = this.#validatorOf(schema);
    return validate(value) ? undefined : `${this.#ajv.errorsText(validate.errors)} in ${JSON.stringify(value)}`;
  }

  #validatorOf(schema: string): ValidateFunction {
    const known = this.#validators.get(schema);
    if (known) return known;
    const text = schema.startsWith("#") ? JSON.stringify({ $ref: schema }) : schema;
    const validate = this.#ajv.compile(JSON.parse(text.replaceAll('"#/components', '"openapi#/components')));
    this.#validators.set(schema, validate);
    return validate;
  }
}
