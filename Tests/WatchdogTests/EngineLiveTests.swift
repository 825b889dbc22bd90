import Glibc
import Testing

/// The whole engine on a tree of its own, with real tools and the kernel's events. One at a time:
/// each has processes of its own to be waited for.
@Suite(.serialized, .enabled(if: geteuid() == 0)) struct EngineLiveTests {}
