-- What a withdrawal came with and was refused: JSON, kept until a later write settles it.
ALTER TABLE users ADD COLUMN refused_values TEXT;
ALTER TABLE groups ADD COLUMN refused_values TEXT;
