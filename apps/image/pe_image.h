#pragma once
/// @file A kernel as the EFI program that firmware loads and measures.
///
/// Sources: Microsoft PE format and "Windows Authenticode Portable Executable Signature Format"
/// (the digest), as edk2's OvmfPkg/Tcg/TdTcg2Dxe/MeasureBootPeCoff.c computes it; Linux
/// Documentation/arch/x86/boot.rst (the setup header), QEMU hw/i386/x86-common.c (what it writes
/// there). All integers are little-endian.

#include <cstdint>

#include "base/bytes.h"
#include "cocoon/attestation.h"
#include "cocoon/result.h"

namespace cocoon::app {

/// The Authenticode digest with SHA-384: the file without its checksum and its signatures.
/// Refused, with what is wrong: what is no PE image; headers or sections outside the file, or that
/// overlap.
/// Errors: invalid_argument/kernel_malformed.
Result<TdxMeasurement> authenticode_sha384(ByteView image);

/// Whether the image is a unified one: a boot stub with the kernel as a section ".linux". Such a
/// stub measures its sections by itself. False for what is no PE image.
bool is_unified_kernel(ByteView image);

/// A kernel as QEMU before 10.2 handed it to firmware: as a boot loader it filled in fields of the
/// setup header, with the address of the initrd among them, which depends on the guest's memory.
/// @param initrd_bytes 0: none
/// Errors: invalid_argument/kernel_malformed where it is no bzImage of protocol 2.06 or later
/// (Linux 2.6.22), or the initrd does not fit.
Result<Bytes> with_qemu_setup_header(ByteView kernel, std::uint64_t initrd_bytes,
                                     std::uint64_t memory_bytes);

}  // namespace cocoon::app
