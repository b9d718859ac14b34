/**
 * What a release was made of: an in-toto statement with a SLSA provenance predicate, and checksums.
 * The statement is not signed: it says what the builder says. Sign SHA256SUMS, or publish from a
 * builder that signs.
 */
import { createHash } from 'node:crypto';
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';

export const sha256 = (file) => createHash('sha256').update(readFileSync(file)).digest('hex');

const SUMS = 'SHA256SUMS';
const STATEMENT = 'provenance.intoto.json';

/** Writes the statement and the checksums of all files in the folder; answers their names. */
export function describeArtifacts({ root, out, commit, version, builder, startedAt, finishedAt }) {
  const artifacts = readdirSync(out)
    .filter((name) => name !== SUMS && name !== STATEMENT)
    .sort();
  const lock = path.join(root, 'package-lock.json');
  const statement = {
    _type: 'https://in-toto.io/Statement/v1',
    subject: artifacts.map((name) => ({ name, digest: { sha256: sha256(path.join(out, name)) } })),
    predicateType: 'https://slsa.dev/provenance/v1',
    predicate: {
      buildDefinition: {
        buildType: 'https://slsa.dev/provenance/v1#script',
        externalParameters: { command: 'scripts/release build', version },
        internalParameters: { node: process.version, platform: process.platform, arch: process.arch },
        resolvedDependencies: [
          { name: 'source', digest: { gitCommit: commit } },
          { name: 'package-lock.json', digest: { sha256: sha256(lock) } },
        ],
      },
      runDetails: {
        builder: { id: builder ?? 'urn:elevenlabs-scim-bridge:local-build' },
        metadata: { startedOn: startedAt, finishedOn: finishedAt },
      },
    },
  };
  writeFileSync(path.join(out, STATEMENT), `${JSON.stringify(statement, null, 2)}\n`);
  const all = [...artifacts, STATEMENT];
  writeFileSync(path.join(out, SUMS), all.map((name) => `${sha256(path.join(out, name))}  ${name}\n`).join(''));
  return [...all, SUMS];
}
