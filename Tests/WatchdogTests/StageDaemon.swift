import Glibc
import LinuxKit
import Scratch
import Testing

/// The program grantwatchd on a stage's tree, in a mount namespace of its own: there tools and system
/// calls can say that they did what they did not, and the tree can stand in the host's place.
final class StageDaemon {
  private let daemon: ChildProcess

  /// Runs the program in the words behind `--` with system calls that say 0 and do nothing.
  private static let lying = #"""
    require "sys/syscall.ph";
    my @calls;
    while ((my $name = shift) ne "--") {
      my $number = eval { no strict "refs"; &{"SYS_$name"}() };
      push @calls, $number if defined $number;
    }
    my $left = @calls;
    my $code = pack("SCCL", 0x20, 0, 0, 0);
    $code .= pack("SCCL", 0x15, $left--, 0, $_) for @calls;
    $code .= pack("SCCL", 0x06, 0, 0, 0x7fff0000) . pack("SCCL", 0x06, 0, 0, 0x00050000);
    my $program = pack("Sx6P", length($code) / 8, $code);
    syscall(SYS_prctl(), 22, 2, $program) == 0 or die "prctl: $!";
    exec @ARGV;

    """#

  /// `mounts` are files that stand in the place of the host's; with `root` the daemon has the tree for
  /// its root. Returns when it answers.
  init(
    _ stage: Stage, root: Bool = true, mounts: [(file: String, place: String)] = [],
    lyingCalls: [String] = []
  ) throws {
    let path = stage.scratch.path
    stage.scratch.file("lying.pl", 0o644, text: Self.lying)
    let binds = mounts.map { "mount --bind '\($0.file)' '\($0.place)' || exit 1\n" }.joined()
    let own = [
      BuiltProgram.path("grantwatchd"), "--config", "\(path)/etc/grantwatch.conf",
      "--state-directory", "\(path)/state", "--runtime-directory", "\(path)/run",
    ]
    daemon = try ChildProcess(
      "/usr/bin/unshare",
      [
        "--mount", "--propagation", "private", "/bin/sh", "-c", binds + "exec \"$@\"", "sh",
        "/usr/bin/perl", "\(path)/lying.pl",
      ] + lyingCalls + ["--"] + own + (root ? ["--root", "\(path)/root"] : []),
      log: "\(path)/daemon.log")
    do {
      _ = try stage.wait("the daemon answers") { try? stage.status() }
    } catch {
      throw Stage.Timeout(description: "\(error): \(stage.text("daemon.log") ?? "")")
    }
  }

  /// Ends it, as a service manager does.
  func stop() {
    daemon.signal(SIGTERM)
    daemon.wait()
  }

  var pid: Int32 { daemon.pid }
}
