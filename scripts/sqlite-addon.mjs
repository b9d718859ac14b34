/**
 * After the package was installed: SQLite's addon is there ready-made for some platforms and
 * versions of Node. Where none of them works here, it is compiled. Uses nothing but Node and npm.
 */
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const sqlite = path.join(root, 'node_modules', 'better-sqlite3');

function works() {
  const script = `new (require('better-sqlite3'))(':memory:').close()`;
  return spawnSync(process.execPath, ['-e', script], { cwd: root, stdio: 'ignore' }).status === 0;
}

/** npm puts node-gyp into the PATH of install scripts. */
function compile() {
  const header = path.join(root, 'scripts', 'sqlite-object-wrap.h');
  const env = { ...process.env, CXXFLAGS: `${process.env.CXXFLAGS ?? ''} -include "${header}"` };
  const options = { cwd: sqlite, env, encoding: 'utf8', shell: process.platform === 'win32' };
  const { status, stdout, stderr } = spawnSync('node-gyp', ['rebuild', '--release'], options);
  if (status !== 0) console.error(`${stdout ?? ''}${stderr ?? ''}`.trim().split('\n').slice(-20).join('\n'));
}

if (!works()) {
  console.error(`The package has no SQLite for Node ${process.versions.node} on this platform. Compiling it ...`);
  compile();
  if (!works()) {
    console.error(
      'SQLite could not be compiled. Install Python 3, make and a C++ compiler (Debian and Ubuntu: ' +
        'apt-get install python3 make g++; macOS: xcode-select --install), or use the container image.',
    );
    process.exitCode = 1;
  }
}
