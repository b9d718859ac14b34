/** Prints 'N passed, N failed' from jest's report; node .ci/summary.mjs <report> <failed checks> */
import { readFileSync } from 'node:fs';

const [, , file, failedChecks] = process.argv;

/** No report: jest did not get as far, which is a failure of its own. */
function count() {
  try {
    const report = JSON.parse(readFileSync(file, 'utf8'));
    const failed = report.numFailedTests + report.numRuntimeErrorTestSuites;
    // Jest may call a run failed for another reason (no tests found, an open handle).
    return { passed: report.numPassedTests, failed: failed === 0 && !report.success ? 1 : failed };
  } catch {
    return { passed: 0, failed: 1 };
  }
}

const { passed, failed } = count();
console.log(`${passed} passed, ${failed + Number(failedChecks)} failed`);
