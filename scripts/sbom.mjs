/**
 * `npm run sbom`: every package of the product as CycloneDX 1.5, on stdout, made from
 * package-lock.json. npm's own `npm sbom --omit dev` leaves out whatever a development tool needs
 * as well, direct dependencies among them.
 */
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));

const nameOf = (location) => location.slice(location.lastIndexOf('node_modules/') + 'node_modules/'.length);
const refOf = (name, version) => `pkg:npm/${name.replace(/^@/, '%40')}@${version}`;

/** An identifier of SPDX, or an expression of several. */
const licenseOf = (license) => (/[ ()]/.test(license) ? { expression: license } : { license: { id: license } });

function hashOf(integrity) {
  const [algorithm = '', digest = ''] = integrity.split('-');
  return { alg: algorithm.replace(/^sha/, 'SHA-'), content: Buffer.from(digest, 'base64').toString('hex') };
}

/** Where Node finds a package that one at `from` asks for: inside it, beside it, or further up. */
function resolve(packages, from, name) {
  const levels = from.split('/node_modules/');
  for (let depth = levels.length; depth >= 0; depth -= 1) {
    const around = levels.slice(0, depth).join('/node_modules/');
    const location = `${around === '' ? '' : `${around}/`}node_modules/${name}`;
    if (packages[location] !== undefined) return location;
  }
  return null; // optional, and for another platform
}

/** The bill of materials of a lock file. */
function billOfMaterials({ packages }, { serial, at }) {
  const { '': product, ...others } = packages;
  const shipped = Object.entries(others).filter(([, entry]) => entry.dev !== true);
  const refs = new Map(shipped.map(([location, { version }]) => [location, refOf(nameOf(location), version)]));
  const own = refOf(product.name, product.version);
  const dependsOn = (location, entry) => {
    const names = Object.keys({ ...entry.dependencies, ...entry.optionalDependencies });
    return names.flatMap((name) => refs.get(resolve(packages, location, name)) ?? []).sort();
  };
  return {
    bomFormat: 'CycloneDX',
    specVersion: '1.5',
    serialNumber: `urn:uuid:${serial}`,
    version: 1,
    metadata: {
      timestamp: at,
      component: {
        ...{ 'bom-ref': own, type: 'application', name: product.name, version: product.version, purl: own },
        licenses: [licenseOf(product.license)],
      },
    },
    components: shipped.map(([location, { version, license, integrity }]) => ({
      ...{ 'bom-ref': refs.get(location), type: 'library', name: nameOf(location), version, purl: refs.get(location) },
      hashes: [hashOf(integrity)],
      licenses: [licenseOf(license)],
    })),
    dependencies: [
      { ref: own, dependsOn: dependsOn('', product) },
      ...shipped.map(([location, entry]) => ({ ref: refs.get(location), dependsOn: dependsOn(location, entry) })),
    ],
  };
}

const lock = JSON.parse(readFileSync(path.join(root, 'package-lock.json'), 'utf8'));
const bill = billOfMaterials(lock, { serial: randomUUID(), at: new Date().toISOString() });
process.stdout.write(`${JSON.stringify(bill, null, 2)}\n`);
