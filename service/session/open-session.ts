import type { Connection, ResumedSession } from "./connection.ts";
import type { SessionServices } from "./services.ts";
import { Session } from "./session.ts";
import { SessionRegistry } from "./session-registry.ts";

/** The one thing that a protocol is given: a way to start the session of a client that has just connected. */
export type OpenSession = (connection: Connection) => Session;

/** As `OpenSession`, for a session that began before and goes on afterwards: no start, login or end is recorded. */
export type ResumeSession = (connection: Connection, resumed: ResumedSession) => Session;

/** Builds the door, and the registry of who has come through it. */
export function createSessionOpener(services: SessionServices): {
  openSession: OpenSession;
  resumeSession: ResumeSession;
  registry: SessionRegistry;
} {
  const registry = new SessionRegistry(services);
  return {
    openSession: (connection) => new Session(services, registry, connection, undefined),
    resumeSession: (connection, resumed) => new Session(services, registry, connection, resumed),
    registry,
  };
}
