-- The folded form of a name has one small sigma, whether it ends a word or not (domain/fold.ts).

-- Two names that differed in nothing else stay two: they are not merged here.
UPDATE OR IGNORE users SET user_name_key = replace(user_name_key, 'ς', 'σ') WHERE instr(user_name_key, 'ς') > 0;
UPDATE OR IGNORE users SET address = replace(address, 'ς', 'σ') WHERE instr(address, 'ς') > 0;
UPDATE users SET display_name_key = replace(display_name_key, 'ς', 'σ') WHERE instr(display_name_key, 'ς') > 0;
UPDATE user_emails SET value_key = replace(value_key, 'ς', 'σ'), type_key = replace(type_key, 'ς', 'σ')
  WHERE instr(value_key, 'ς') > 0 OR instr(type_key, 'ς') > 0;
UPDATE OR IGNORE groups SET display_name_key = replace(display_name_key, 'ς', 'σ') WHERE instr(display_name_key, 'ς') > 0;
UPDATE workspace_members SET address = replace(address, 'ς', 'σ') WHERE instr(address, 'ς') > 0;
UPDATE workspace_groups SET name_key = replace(name_key, 'ς', 'σ') WHERE instr(name_key, 'ς') > 0;
UPDATE invites SET address = replace(address, 'ς', 'σ') WHERE instr(address, 'ς') > 0;
UPDATE OR IGNORE watches SET address = replace(address, 'ς', 'σ') WHERE instr(address, 'ς') > 0;
