/* libpaystream: the public C interface, all of it. Each header is the manual of its part:
 *
 *   version.h   which library this is
 *   error.h     how calls fail
 *   row.h       rows: what user functions read and write
 *   cep.h       patterns over rows
 *   pipeline.h  pipelines: sources, maps, windows, groupings, joins, sinks
 *   sql.h       SQL scripts
 *   function.h  functions in C for SQL
 *
 * Compile and link: cc job.c $(pkg-config --cflags --libs paystream)
 */
#ifndef PAYSTREAM_PAYSTREAM_H
#define PAYSTREAM_PAYSTREAM_H

#include <paystream/cep.h>
#include <paystream/error.h>
#include <paystream/function.h>
#include <paystream/pipeline.h>
#include <paystream/row.h>
#include <paystream/sql.h>
#include <paystream/version.h>

#endif
