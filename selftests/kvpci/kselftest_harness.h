/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The kernel's harness, with more time for each test: 30 s are too few on a
 * kernel that checks everything. run-kselftests limits whole programs.
 */
#include_next <kselftest_harness.h>

#undef TEST_TIMEOUT_DEFAULT
#define TEST_TIMEOUT_DEFAULT	240
