import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { programOrSkip } from "./require-program.ts";

/** The APIs of AWS on a socket. */
export interface AwsServices {
  readonly endpoint: string;
  stop(): Promise<void>;
}

/** A server of these APIs, or `account`: AWS itself, in the Region and with the credentials that the SDK finds. */
const given = process.env.FERRYGATE_TEST_AWS_ENDPOINT;
const isAccount = given === "account";

/** How long a queue is asked before it counts as empty: AWS brings an event after moments, a server at once. */
export const deliverySeconds = isAccount ? 5 : 0;

/** For `skip` of a test that needs the APIs of AWS: false where there is a server of them, or an account. */
export function awsOrSkip(): string | false {
  return given === undefined ? programOrSkip("moto_server") : false;
}

/** For `skip` of a test that looks into the server or stands in front of it. */
export function awsServerOrSkip(): string | false {
  return isAccount ? "an account is no server that a test can look into" : awsOrSkip();
}

/**
 * Starts moto's server on a free port, or takes that of FERRYGATE_TEST_AWS_ENDPOINT, and lets the SDK of this process
 * and of the processes it starts find it: region, credentials and endpoint in the environment. What the environment
 * says of a single service (`AWS_ENDPOINT_URL_S3`) holds for that one.
 */
export async function startAwsServices(): Promise<AwsServices> {
  if (isAccount) return { endpoint: "", stop: async () => {} };
  const services = given === undefined ? await startMoto() : { endpoint: given, stop: async () => {} };
  process.env.AWS_ENDPOINT_URL = services.endpoint;
  process.env.AWS_REGION ??= "eu-west-1";
  process.env.AWS_ACCESS_KEY_ID ??= "test";
  process.env.AWS_SECRET_ACCESS_KEY ??= "test-secret";
  return services;
}

async function startMoto(): Promise<AwsServices> {
  const server = spawn("moto_server", ["-H", "127.0.0.1", "-p", "0"], {
    stdio: ["ignore", "ignore", "pipe"],
    env: { ...process.env, PYTHONPATH: fileURLToPath(new URL("moto", import.meta.url)) },
  });
  const ended = new Promise<void>((resolve) => server.once("exit", () => resolve()));
  const endpoint = await new Promise<string>((resolve, reject) => {
    let output = "";
    server.stderr.setEncoding("utf8").on("data", (text: string) => {
      output += text;
      const url = /Running on (http:\/\/\S+)/.exec(output)?.[1];
      if (url !== undefined) resolve(url);
    });
    server.once("error", reject);
    server.once("exit", (code) => reject(new Error(`moto_server ended with ${code}: ${output}`)));
  });
  return {
    endpoint,
    stop: async () => {
      server.kill("SIGKILL");
      await ended;
    },
  };
}
