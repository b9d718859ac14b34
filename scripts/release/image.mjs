/**
 * The container image of a release, for every platform, from base images that are pinned by digest.
 * Without a digest nothing is built: a tag may name another image tomorrow.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';

/** Arguments of the Dockerfile that name a base image, with the tag that each has as its default. */
export function baseImages(root) {
  const text = readFileSync(path.join(root, 'docker/Dockerfile'), 'utf8');
  return [...text.matchAll(/^ARG (\w+_IMAGE)=(\S+)$/gm)].map(([, name, image]) => ({ name, image }));
}

/** The image with its digest: as the environment gives it, else as Docker looks it up. */
export function pinImage({ name, image }, { env, ask }) {
  const given = env[name];
  const digest =
    given === undefined ? ask(['buildx', 'imagetools', 'inspect', image, '--format', '{{.Manifest.Digest}}']) : '';
  const pinned = given ?? `${image}@${(digest ?? '').trim()}`;
  if (!/^[^@\s]+@sha256:[0-9a-f]{64}$/.test(pinned)) {
    throw new Error(
      `The digest of ${image} is not known, so nothing is built. ` +
        `Set ${name}=${image}@sha256:..., or run this where Docker reaches its registry.`,
    );
  }
  return { name, image: pinned };
}

/** The command that builds the image, and pushes it where there is a repository. */
export function buildCommand({ repository, platforms }, { version, commit, created, pinned, push }) {
  const name = repository ?? 'elevenlabs-scim-bridge';
  const labels = { version, revision: commit, created };
  return [
    ...['docker', 'buildx', 'build', '--file', 'docker/Dockerfile', '--platform', platforms.join(',')],
    ...pinned.flatMap(({ name: argument, image }) => ['--build-arg', `${argument}=${image}`]),
    ...Object.entries(labels).flatMap(([label, value]) => ['--label', `org.opencontainers.image.${label}=${value}`]),
    ...['--tag', `${name}:${version}`, '--sbom=true', '--provenance=mode=max'],
    // An image for several platforms has no place in Docker's own store: it becomes a file.
    ...(push ? ['--push'] : ['--output', `type=oci,dest=release/${version}/image.tar`]),
    '.',
  ];
}
