import Glibc
import PostgreSQLConnector

exit(runPostgreSQLConnector(CommandLine.arguments))
