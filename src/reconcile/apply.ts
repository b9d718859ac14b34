/** Change -> the one upstream call that makes it true. Nothing is decided here. */
import type { Answer, ShareTarget, WorkspaceGateway } from '../elevenlabs/port.js';
import type { Change, MemberId, Principal } from '../domain/types.js';

/** `emailOf`: the address of a member as last read, since every upstream call names people by e-mail. */
export function applyChange(
  gateway: WorkspaceGateway,
  change: Change,
  emailOf: (memberId: MemberId) => string,
): Promise<Answer<null>> {
  switch (change.kind) {
    case 'invite':
      return gateway.invite({ email: change.address, seatType: change.seatType, usageLimit: change.usageLimit });
    case 'revokeInvite':
      return gateway.revokeInvite(change.address);
    case 'lock':
      return gateway.setLocked({ email: emailOf(change.memberId), locked: true });
    case 'unlock':
      return gateway.setLocked({
        email: emailOf(change.memberId),
        locked: false,
        allowDowngrade: change.allowDowngrade,
      });
    case 'setSeat':
      return gateway.setSeat({ email: emailOf(change.memberId), seatType: change.seatType });
    case 'addToGroup':
      return gateway.addToGroup(change.groupId, emailOf(change.memberId));
    case 'removeFromGroup':
      return gateway.removeFromGroup(change.groupId, emailOf(change.memberId));
    case 'share':
      return gateway.share(change.resource, change.role, targetOf(change.principal, emailOf));
    case 'unshare':
      return gateway.unshare(change.resource, targetOf(change.principal, emailOf));
  }
}

function targetOf(principal: Principal, emailOf: (memberId: MemberId) => string): ShareTarget {
  switch (principal.kind) {
    case 'member':
      return { userEmail: emailOf(principal.memberId) };
    case 'group':
      return { groupId: principal.groupId };
    case 'default':
      return { groupId: 'default' };
    case 'key':
      return { workspaceApiKeyId: principal.keyId };
  }
}
