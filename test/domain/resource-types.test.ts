import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { renderResourceTypes, TARGET } from '../../scripts/generate-resource-types.mjs';
import { RESOURCE_TYPES } from '../../src/domain/resource-types.js';

describe('resource types', () => {
  it('are those of the installed SDK: run scripts/generate-resource-types.mjs after each change of its version', () => {
    expect(readFileSync(TARGET, 'utf8')).toBe(renderResourceTypes());
  });

  it('are the values that the SDK sends and accepts', async () => {
    const sdk = await import('@elevenlabs/elevenlabs-js/serialization/types/WorkspaceResourceType.js');
    for (const type of RESOURCE_TYPES) {
      expect(sdk.WorkspaceResourceType.jsonOrThrow(type)).toBe(type);
      expect(sdk.WorkspaceResourceType.parse(type)).toMatchObject({ ok: true, value: type });
    }
    expect(sdk.WorkspaceResourceType.parse('no_such_type')).toMatchObject({ ok: false });
  });
});
