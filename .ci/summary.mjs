/** Prints 'N passed, N failed' from jest's reports; node .ci/summary.mjs <failed checks> <report>... */
import { readFileSync } from 'node:fs';

const [, , failedChecks, ...reports] = process.argv;

/** No report: jest did not get as far, which is a failure of its own. */
function count(file) {
  try {
    const report = JSON.parse(readFileSync(file, 'utf8'));
    const failed = report.numFailedTests + report.numRuntimeErrorTestSuites;
    // Jest may call a run failed for another reason (no tests found, an open handle).
    return {
      passed: report.numPassedTests,
      skipped: report.numPendingTests,
      failed: failed === 0 && !report.success ? 1 : failed,
    };
  } catch {
    return { passed: 0, skipped: 0, failed: 1 };
  }
}

const counts = reports.map(count);
const sum = (name) => counts.reduce((total, one) => total + one[name], 0);
// Some tests need programs that a machine may lack (strace, setpriv): what was left out is to be seen.
if (sum('skipped') > 0) console.log(`${sum('skipped')} tests were skipped`);
console.log(`${sum('passed')} passed, ${sum('failed') + Number(failedChecks)} failed`);
