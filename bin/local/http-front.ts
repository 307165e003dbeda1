import { createHttpApplication } from "../../protocols/http/application.ts";
import { createHttpServer } from "../../protocols/http/server.ts";
import { createEventReader } from "../../service/audit/read-events.ts";
import type { FrontServices, LocalServerOptions, Started } from "./front.ts";

export async function startHttp({ runtime, loaded }: LocalServerOptions, parts: FrontServices): Promise<Started> {
  const { http } = loaded.configuration.server;
  if (!http) return { fronts: [], endpoints: {} };
  const { services, openSession, readiness } = parts;
  const readEvents = createEventReader(services);
  const application = createHttpApplication({ openSession, readEvents, readiness, log: runtime.log });
  const { tls, listen } = http;
  const server = createHttpServer({ application, listen, log: runtime.log, tls: tls && (() => tls) });
  return { fronts: [server], endpoints: { http: await server.listen() } };
}
