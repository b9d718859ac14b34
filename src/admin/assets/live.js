/* What the pages do beyond plain HTML; nothing depends on it. */
(() => {
  'use strict';
  const EVERY_MS = 4000;
  // A page that nobody looks at asks no more: its session may end.
  const IDLE_MS = 15 * 60 * 1000;
  let lastUse = Date.now();
  let failures = 0;
  for (const kind of ['pointerdown', 'keydown', 'focus']) addEventListener(kind, () => (lastUse = Date.now()), true);

  /** Parts marked data-live take over what the same page says now. */
  async function refresh() {
    const parts = [...document.querySelectorAll('[data-live]')];
    if (parts.length === 0 || document.hidden || Date.now() - lastUse > IDLE_MS) return;
    const response = await fetch(location.href, { headers: { Accept: 'text/html' }, redirect: 'manual' });
    if (response.type === 'opaqueredirect') location.reload();
    if (!response.ok) throw new Error(String(response.status));
    const fresh = new DOMParser().parseFromString(await response.text(), 'text/html');
    for (const part of parts) {
      const next = fresh.getElementById(part.id);
      if (next === null || isInUse(part) || next.innerHTML === part.dataset.last) continue;
      part.dataset.last = next.innerHTML;
      const open = [...part.querySelectorAll('details[open][id]')].map(({ id }) => id);
      part.replaceChildren(...next.childNodes);
      for (const id of open) document.getElementById(id)?.setAttribute('open', '');
      addCopyButtons(part);
    }
  }

  /** Somebody types, chooses or confirms there. */
  function isInUse(part) {
    const { activeElement } = document;
    const selection = getSelection();
    return (
      (activeElement !== document.body && part.contains(activeElement)) ||
      part.querySelector('details.confirm[open]') !== null ||
      (selection !== null && !selection.isCollapsed && part.contains(selection.anchorNode))
    );
  }

  function addCopyButtons(root) {
    if (!navigator.clipboard) return;
    for (const value of root.querySelectorAll('[data-copy]')) {
      if (value.nextElementSibling?.classList.contains('copy')) continue;
      const button = document.createElement('button');
      button.type = 'button';
      button.className = 'copy quiet';
      button.textContent = 'Copy';
      button.addEventListener('click', async () => {
        await navigator.clipboard.writeText(value.textContent);
        button.textContent = 'Copied';
        setTimeout(() => (button.textContent = 'Copy'), 2000);
      });
      value.after(button);
    }
  }

  for (const part of document.querySelectorAll('[data-live]')) part.dataset.last = part.innerHTML;
  addCopyButtons(document);
  async function loop() {
    try {
      await refresh();
      failures = 0;
    } catch {
      failures += 1;
    }
    document.documentElement.classList.toggle('stale', failures > 1);
    setTimeout(loop, Math.min(EVERY_MS * 2 ** failures, 60_000));
  }
  setTimeout(loop, EVERY_MS);
})();
