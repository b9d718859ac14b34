/** Signing in. */
import { html, path, type Html } from '../html.js';
import { notice } from '../parts.js';

export type LoginProblem = 'refused' | 'limited' | null;

export function loginForm(next: string, problem: LoginProblem): Html {
  return html`<form method="post" action="${path(['login'])}" class="card login">
    <h1>Sign in</h1>
    ${problem === 'refused' && notice('bad', html`<p id="problem">This is no valid admin token.</p>`)}
    ${problem === 'limited' && notice('bad', html`<p id="problem">Too many attempts from this address. Wait a minute.</p>`)}
    <input type="hidden" name="next" value="${next}" />
    <label for="token">Admin token</label>
    <input
      type="password"
      id="token"
      name="token"
      required
      autofocus
      autocomplete="current-password"
      maxlength="512"
      ${problem !== null && html`aria-describedby="problem" aria-invalid="true"`}
    />
    <button class="primary">Sign in</button>
    <p class="dim">
      It was shown at the first start, or is in the file that the start named. Lost:
      <code>elevenlabs-scim token create --kind admin me</code>
    </p>
  </form>`;
}
