# SPDX-License-Identifier: BSD-2-Clause
# What tools/train.sh has counted tells gcc which way a segment usually goes. gn_profile is for the
# layers whose usual ways the training walks; all other code is compiled without counts.
option(GN_TRAIN "Count executions of the core, for tools/train.sh (gcc only)" OFF)
set(GN_PROFILE "" CACHE PATH "Counts of a training; used where that directory is there (gcc only)")

add_library(gn_profile INTERFACE)
set(trained "")
if(GN_PROFILE AND CMAKE_C_COMPILER_ID STREQUAL "GNU")
    set(prefix -fprofile-prefix-path=${PROJECT_BINARY_DIR})
    if(GN_TRAIN)
        target_compile_options(gn_profile INTERFACE -fprofile-generate=${GN_PROFILE} ${prefix})
        target_link_options(gn_flags INTERFACE -fprofile-generate)
        target_compile_options(gn_flags INTERFACE -w) # the release warns, with more inlining
    elseif(EXISTS ${GN_PROFILE}/trained)
        # A function that was changed since is compiled as if nothing were known of it.
        target_compile_options(gn_profile INTERFACE
            -fprofile-use=${GN_PROFILE} ${prefix} -fprofile-partial-training -Wno-coverage-mismatch
            -Wno-missing-profile)
        set(trained ${GN_PROFILE}/trained)
    endif()
endif()
