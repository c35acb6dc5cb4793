#pragma once
/// @file Memory that a peak left behind. glibc keeps what is freed between chunks that are still in
/// use, for as long as the process lives; here it goes back to the system.

namespace cocoon::app {

/// Gives the heap's holes back where they are more than 4 MiB and a quarter of what the program
/// holds: below that they are not worth it, for each page has to be faulted in again when it is
/// next used. No other thread can allocate meanwhile. Any thread.
void return_heap_holes();

}  // namespace cocoon::app
