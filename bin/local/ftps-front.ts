import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { createPortPool } from "../../protocols/ftps/port-pool.ts";
import { createFtpsServer } from "../../protocols/ftps/server.ts";
import type { FrontServices, LocalServerOptions, Started } from "./front.ts";

export async function startFtps(
  { dataDirectory, runtime, loaded }: LocalServerOptions,
  parts: FrontServices,
): Promise<Started> {
  const { ftps } = loaded.configuration.server;
  if (!ftps) return { fronts: [], endpoints: {} };
  const { listen, implicit, passivePorts, passiveAddress } = ftps;
  const material = ftps.tls ?? (await readTlsMaterial(dataDirectory));
  const ports = createPortPool({ host: listen.host, ...passivePorts, log: runtime.log });
  const server = createFtpsServer({
    openSession: parts.openSession,
    listeners: [{ ...listen, implicit: false }, ...(implicit ? [{ ...implicit, implicit: true }] : [])],
    tls: () => material,
    sessionReuse: "preferred",
    passivePorts: ports,
    passiveAddress,
    log: runtime.log,
  });
  const [explicitAddress, implicitAddress] = await server.listen();
  const close = async () => {
    await server.close();
    await ports.close();
  };
  return {
    fronts: [{ drain: () => server.drain(), close }],
    endpoints: {
      ...(explicitAddress && { ftps: explicitAddress }),
      ...(implicitAddress && { ftpsImplicit: implicitAddress }),
    },
  };
}

async function readTlsMaterial(dataDirectory: string): Promise<{ certificate: string; privateKey: string }> {
  const read = (name: string) => readFile(join(dataDirectory, "keys", name), "utf8");
  return { certificate: await read("tls_certificate.pem"), privateKey: await read("tls_private_key.pem") };
}
