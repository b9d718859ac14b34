/**
 * HTTPS without a proxy: certificate and key from files, TLS 1.3, and 1.2 with authenticated encryption
 * and keys that a later theft of the private key does not reveal (RFC 9325 4.2). A new certificate is
 * taken without a restart. The files are read again every few seconds and compared as text: a watch on
 * a file misses what Kubernetes and certbot do, who replace a link. Connections that are open keep
 * the certificate they began with; files that do not fit together leave the old ones in force.
 */
import { readFileSync } from 'node:fs';
import { createSecureContext, type SecureContextOptions } from 'node:tls';
import type { Clock } from '../clock.js';
import { EXIT, StartError } from '../errors.js';
import type { Log } from '../log.js';

export interface TlsFiles {
  readonly certFile: string;
  readonly keyFile: string;
}

/** Of a TLS server, as far as a new certificate is concerned. */
export interface TlsServer {
  setSecureContext(options: SecureContextOptions): void;
}

export const MIN_TLS_VERSION = 'TLSv1.2';
/** OpenSSL's names: three for TLS 1.3, the others for 1.2. */
const CIPHERS = [
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'TLS_AES_128_GCM_SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
].join(':');
const CHECK_EVERY_MS = 10_000;

/** Reads the files and tries them out. Throws what is wrong with them. */
export function readTls(files: TlsFiles): SecureContextOptions {
  const options = {
    cert: readFileSync(files.certFile, 'utf8'),
    key: readFileSync(files.keyFile, 'utf8'),
    minVersion: MIN_TLS_VERSION,
    ciphers: CIPHERS,
  } as const;
  createSecureContext(options);
  return options;
}

/** Like `readTls` for the start, which ends with 78 where they cannot be used. */
export function readTlsAtStart(files: TlsFiles): SecureContextOptions {
  try {
    return readTls(files);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new StartError(
      EXIT.config,
      `TLS_CERT_FILE (${files.certFile}) and TLS_KEY_FILE (${files.keyFile}) cannot be used: ${reason}`,
      { cause: error },
    );
  }
}

/** Gives the server what is in the files whenever that changes. Answers a function that ends it. */
export function reloadTls(
  server: TlsServer,
  files: TlsFiles,
  first: SecureContextOptions,
  { clock, log }: { readonly clock: Clock; readonly log: Log },
): () => void {
  let known = textOf(first);
  let complained = '';
  let cancel: () => void = () => undefined;
  const check = (): void => {
    try {
      const next = readTls(files);
      if (textOf(next) !== known) {
        server.setSecureContext(next);
        known = textOf(next);
        log.info({ certFile: files.certFile }, 'new TLS certificate in use');
      }
      complained = '';
    } catch (error) {
      // Half-written pairs are usual while a certificate is replaced; the next look finds them whole.
      const reason = error instanceof Error ? error.message : String(error);
      if (reason !== complained)
        log.error({ err: error }, 'the TLS files cannot be used; the old certificate stays in force');
      complained = reason;
    }
    cancel = clock.after(CHECK_EVERY_MS, check);
  };
  cancel = clock.after(CHECK_EVERY_MS, check);
  return () => cancel();
}

const textOf = ({ cert, key }: SecureContextOptions): string => JSON.stringify([cert, key]);
