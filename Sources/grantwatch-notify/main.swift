import Glibc
import Notify

exit(runNotify(CommandLine.arguments))
