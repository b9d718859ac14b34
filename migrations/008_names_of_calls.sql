-- Readings have the names of calls that changes have always had (domain/upstream-calls.ts).
UPDATE upstream_calls SET endpoint = CASE endpoint
    WHEN 'identity' THEN 'user.get'
    WHEN 'listMembers' THEN 'members.list'
    WHEN 'listGroups' THEN 'groups.list'
    WHEN 'searchGroups' THEN 'groups.search'
    WHEN 'getResource' THEN 'resources.get'
    ELSE endpoint
  END
  WHERE ledger_id IS NULL;
