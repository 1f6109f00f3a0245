// An app that cannot start.

process.stderr.write("there is no such setting\n");
process.exit(3);
