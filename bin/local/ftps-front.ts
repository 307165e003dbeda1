import { watchCertificateFiles } from "../../adapters/local/certificate-files.ts";
import type { Configuration, FtpsConfiguration } from "../../adapters/node/configuration/configuration.ts";
import { createPortPool } from "../../protocols/ftps/port-pool.ts";
import { createFtpsServer, type FtpsListener } from "../../protocols/ftps/server.ts";
import type { TlsMaterial } from "../../protocols/ftps/tls-settings.ts";
import { dataFiles } from "../cli/data-directory.ts";
import type { FrontServices, LocalServerOptions, Started } from "./front.ts";

export async function startFtps(options: LocalServerOptions, parts: FrontServices): Promise<Started> {
  const { runtime, loaded } = options;
  const { ftps } = loaded.configuration.server;
  if (!ftps) return { fronts: [], endpoints: {} };
  const { passivePorts, passiveAddress, sessionReuse } = ftps;
  const ports = createPortPool({ host: ftps.listen.host, ...passivePorts, log: runtime.log });
  const server = createFtpsServer({
    openSession: parts.openSession,
    listeners: listenersOf(ftps),
    tls: tlsSource(options, ftps, parts.configuration),
    sessionReuse,
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

function listenersOf({ listen, implicit, plain, clearData: allowClearData }: FtpsConfiguration): FtpsListener[] {
  const explicitListener = { ...listen, implicit: false, plain, allowClearData };
  return implicit ? [explicitListener, { ...implicit, implicit: true, allowClearData }] : [explicitListener];
}

/** What is in force at each call; what the data directory holds, only where the configuration names no certificate. */
function tlsSource(
  { dataDirectory, runtime }: LocalServerOptions,
  initial: FtpsConfiguration,
  configuration: () => Configuration,
): () => TlsMaterial {
  const { tlsCertificate: certificate, tlsPrivateKey: privateKey } = dataFiles(dataDirectory);
  let ofDataDirectory: (() => TlsMaterial) | undefined;
  return () => {
    const { tls, clientCertificates } = configuration().server.ftps ?? initial;
    if (tls) return { ...tls, clientCertificates };
    ofDataDirectory ??= watchCertificateFiles({ certificate, privateKey }, runtime);
    return { ...ofDataDirectory(), clientCertificates };
  };
}
