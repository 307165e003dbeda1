import { createPublicKey, generateKeyPairSync, randomBytes, sign } from "node:crypto";
import { AsnConvert, OctetString } from "@peculiar/asn1-schema";
import {
  AlgorithmIdentifier,
  AttributeTypeAndValue,
  AttributeValue,
  BasicConstraints,
  Certificate,
  CertificateList,
  Extension,
  Extensions,
  id_ce_basicConstraints,
  Name,
  RelativeDistinguishedName,
  RevokedCertificate,
  SubjectPublicKeyInfo,
  TBSCertificate,
  TBSCertList,
  Time,
  Validity,
  Version,
} from "@peculiar/asn1-x509";

const dayMs = 86_400_000;
const algorithm = new AlgorithmIdentifier({ algorithm: "1.2.840.10045.4.3.2" });

/** A certificate and its private key, in PEM form. */
export interface TestCertificate {
  readonly certificate: string;
  readonly privateKey: string;
  readonly serialNumber: ArrayBuffer;
}

/** An authority for client certificates, made for one test. */
export interface TestAuthority extends TestCertificate {
  /** A certificate that is valid from yesterday for `days` days, with one common name or several. */
  issue(commonName: string | readonly string[], days?: number): TestCertificate;
  /** An authority below this one. */
  authorize(authorityName: string): TestAuthority;
  /** A list of revoked certificates, made half a day ago; in date unless `days` says how long it was good for. */
  revocationList(revoked: readonly TestCertificate[], days?: number): string;
}

export function createTestAuthority(authorityName = "Test Authority"): TestAuthority {
  const name = nameOf(authorityName);
  return authorityOf(name, createCertificate({ issuer: name, subject: name, days: 2, isAuthority: true }));
}

function authorityOf(issuer: Name, own: TestCertificate): TestAuthority {
  const signedWith = own.privateKey;
  return {
    ...own,
    issue: (commonName, days = 2) =>
      createCertificate({ issuer, subject: nameOf(commonName), days, isAuthority: false, signedWith }),
    authorize: (authorityName) => {
      const subject = nameOf(authorityName);
      return authorityOf(subject, createCertificate({ issuer, subject, days: 2, isAuthority: true, signedWith }));
    },
    revocationList: (revoked, days = 1) => createRevocationList({ issuer, signedWith }, revoked, days),
  };
}

interface CertificateContent {
  readonly issuer: Name;
  readonly subject: Name;
  readonly days: number;
  readonly isAuthority: boolean;
  readonly signedWith?: string;
}

function createCertificate(content: CertificateContent): TestCertificate {
  const pair = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const privateKey = pair.privateKey.export({ type: "pkcs8", format: "pem" }).toString();
  const spki = createPublicKey(privateKey).export({ type: "spki", format: "der" });
  const serialNumber = Uint8Array.from([1, ...randomBytes(15)]).buffer;
  const notBefore = new Date(Date.now() - dayMs);
  const extnValue = new OctetString(AsnConvert.serialize(new BasicConstraints({ cA: content.isAuthority })));
  const tbsCertificate = new TBSCertificate({
    version: Version.v3,
    serialNumber,
    signature: algorithm,
    issuer: content.issuer,
    subject: content.subject,
    validity: new Validity({ notBefore, notAfter: new Date(notBefore.getTime() + content.days * dayMs) }),
    subjectPublicKeyInfo: AsnConvert.parse(spki, SubjectPublicKeyInfo),
    extensions: new Extensions([new Extension({ extnID: id_ce_basicConstraints, critical: true, extnValue })]),
  });
  const signatureValue = signed(tbsCertificate, content.signedWith ?? privateKey);
  const certificate = new Certificate({ tbsCertificate, signatureAlgorithm: algorithm, signatureValue });
  return { certificate: toPem(certificate, "CERTIFICATE"), privateKey, serialNumber };
}

function createRevocationList(
  { issuer, signedWith }: { issuer: Name; signedWith: string },
  revoked: readonly TestCertificate[],
  days: number,
): string {
  const madeAtMs = Date.now() - dayMs / 2;
  const revocationDate = new Time(new Date(madeAtMs));
  const tbsCertList = new TBSCertList({
    version: Version.v2,
    signature: algorithm,
    issuer,
    thisUpdate: revocationDate,
    nextUpdate: new Time(new Date(madeAtMs + days * dayMs)),
    ...(revoked.length > 0 && {
      revokedCertificates: revoked.map(
        ({ serialNumber }) => new RevokedCertificate({ userCertificate: serialNumber, revocationDate }),
      ),
    }),
  });
  const list = new CertificateList({
    tbsCertList,
    signatureAlgorithm: algorithm,
    signature: signed(tbsCertList, signedWith),
  });
  return toPem(list, "X509 CRL");
}

function signed(content: object, privateKey: string): ArrayBuffer {
  return Uint8Array.from(sign("sha256", Buffer.from(AsnConvert.serialize(content)), privateKey)).buffer;
}

function nameOf(commonNames: string | readonly string[]): Name {
  const values = [commonNames].flat().map((utf8String) => new AttributeValue({ utf8String }));
  const attributes = values.map((value) => new AttributeTypeAndValue({ type: "2.5.4.3", value }));
  return new Name(attributes.map((attribute) => new RelativeDistinguishedName([attribute])));
}

function toPem(content: object, label: string): string {
  const lines =
    Buffer.from(AsnConvert.serialize(content))
      .toString("base64")
      .match(/.{1,64}/g) ?? [];
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ""].join("\n");
}
